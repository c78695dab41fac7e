#define BOOST_TEST_MODULE async
#include <boost/test/unit_test.hpp>
