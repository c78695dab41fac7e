#define BOOST_TEST_MODULE ipc
#include <boost/test/unit_test.hpp>
