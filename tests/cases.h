/* SPDX-License-Identifier: BSD-3-Clause
 * The main() of a Check program: CASES("name", case, case, …). CK_RUN_CASE chooses one of them. */
#ifndef FFMK_TESTS_CASES_H
#define FFMK_TESTS_CASES_H

#include <check.h>
#include <stddef.h>

enum { CASE_SECONDS = 60 };

static inline int run_cases(const char *name, const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < n; i++) {
        TCase *one = tcase_create(tests[i]->name);
        tcase_set_timeout(one, CASE_SECONDS);
        tcase_add_test(one, tests[i]);
        suite_add_tcase(suite, one);
    }
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
