#define BOOST_TEST_MODULE locald
#include <boost/test/unit_test.hpp>
