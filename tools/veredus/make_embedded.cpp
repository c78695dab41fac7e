// Writes files as C++: make_embedded NAME=FILE... to standard output, a std::string_view each in
// veredus::embedded. (What #embed reads is no dependency that clang 19 and ccache know of.)
#include <sysexits.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

int main(int argc, char** argv) {
    std::cout << "#include <string_view>\n\nnamespace veredus::embedded {\n";
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const auto equals = word.find('=');
        if (equals == std::string::npos) return EX_USAGE;
        std::ifstream file(word.substr(equals + 1), std::ios::binary);
        if (!file) return EX_NOINPUT;
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const std::string name = word.substr(0, equals);
        std::cout << "extern const std::string_view " << name << ";\nconst std::string_view "
                  << name << " = R\"embedded(" << text << ")embedded\";\n";
    }
    std::cout << "}  // namespace veredus::embedded\n";
    return std::cout.flush() ? EX_OK : EX_IOERR;
}
