#define BOOST_TEST_MODULE submitd
#include <boost/test/unit_test.hpp>
