#include "tools/veredus/misspelt.h"

#include <sysexits.h>

#include <boost/test/unit_test.hpp>

#include "tools/shared/failure.h"
#include "tools/veredus/command_line.h"

using namespace veredus;

namespace {

// What a person reads who typed `veredus` and these words.
std::string told(std::vector<std::string> words) {
    CommandLine line;
    std::ranges::reverse(words);  // as CLI11 takes them
    try {
        line.app().parse(words);
    } catch (const CLI::ParseError& error) {
        return misspelt(line.app(), error);
    }
    try {
        line.run(config::InstancePaths::of_directory("/nowhere"));
    } catch (const Failure& failure) {
        BOOST_TEST(failure.status == EX_USAGE);
        return failure.what();
    }
    return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(misspelt_commands)

BOOST_AUTO_TEST_CASE(the_nearest_command_is_named) {
    BOOST_TEST(told({"staus"}) ==
               "\"staus\" is no command of \"veredus\"; did you mean \"veredus status\"?");
    BOOST_TEST(told({"user", "ad", "x"}) ==
               "\"ad\" is no command of \"veredus user\"; did you mean \"veredus user add\"?");
    BOOST_TEST(told({"flush"}) ==
               "\"flush\" is no command of \"veredus\"; did you mean \"veredus queue retry all\"?");
    BOOST_TEST(told({"queue", "relese", "all"}) ==
               "\"relese\" is no command of \"veredus queue\"; did you mean \"veredus queue "
               "release\"?");
    BOOST_TEST(told({"spool", "frobnicate"}) ==
               "\"frobnicate\" is no command of \"veredus spool\"; there are check, repair");
}

BOOST_AUTO_TEST_CASE(a_filter_s_word_is_none) {
    BOOST_TEST(told({"queue", "form=ann"}).starts_with("\"form=ann\": there is no \"form\""));
    BOOST_TEST(told({"queue", "list", "xyzzy"}).starts_with("\"xyzzy\" is neither a queue id"));
}

BOOST_AUTO_TEST_CASE(options_are_guessed_too) {
    BOOST_TEST(told({"queue", "list", "--jsn"}) ==
               "--jsn is no option of \"veredus queue list\"; did you mean --json?");
    BOOST_TEST(told({"status", "-X"}) ==
               "-X is no option of \"veredus status\"; \"veredus status --help\" lists them");
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_named) {
    BOOST_TEST(told({}).starts_with("\"veredus\" wants one of its commands: init, run, "));
    BOOST_TEST(told({"trace"}) ==
               "\"veredus trace\" wants <what>: A queue id, a Message-ID or an address");
    BOOST_TEST(told({"trace", "a", "b"}) ==
               "\"b\" is more than \"veredus trace\" takes; see \"veredus trace --help\"");
    BOOST_TEST(told({"trace", "--limit", "many", "a"}).ends_with("see \"veredus trace --help\""));
}

BOOST_AUTO_TEST_SUITE_END()
