#define BOOST_TEST_MODULE queued
#include <boost/test/unit_test.hpp>
