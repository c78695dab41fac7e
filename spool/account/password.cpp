#include "spool/account/password.h"

#include <sodium.h>

#include <new>

namespace veredus::spool {

std::string hash_password(std::string_view password) {
    std::string out(crypto_pwhash_STRBYTES, '\0');
    if (crypto_pwhash_str(out.data(), password.data(), password.size(),
                          crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        throw std::bad_alloc();
    out.resize(out.find('\0'));
    return out;
}

bool password_matches(std::string_view hash, std::string_view password) {
    const std::string terminated(hash);
    return crypto_pwhash_str_verify(terminated.c_str(), password.data(), password.size()) == 0;
}

void check_nothing(std::string_view password) {
    static const std::string nobody = hash_password("");
    password_matches(nobody, password);
}

}  // namespace veredus::spool
