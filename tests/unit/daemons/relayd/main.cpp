#define BOOST_TEST_MODULE relayd
#include <boost/test/unit_test.hpp>
