/* SPDX-License-Identifier: BSD-3-Clause
 * The main() of a Check program: CASES("name", case, case, …). */
#ifndef FFMK_TESTS_CASES_H
#define FFMK_TESTS_CASES_H

#include <check.h>
#include <stddef.h>

enum { CASE_SECONDS = 60 };

static inline int run_cases(const char *name, const TTest *const *tests, size_t n)
{
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, CASE_SECONDS);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(cases, tests[i]);
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#define CASES(name, ...)                                                                           \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return run_cases(name, tests, sizeof tests / sizeof tests[0]);                             \
    }

#endif
