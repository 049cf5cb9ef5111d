# The correction's rules, tried in every order by Spin; see check.py.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME gossip.model COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/check.py)
set_tests_properties(gossip.model PROPERTIES TIMEOUT 900 SKIP_RETURN_CODE 77)
