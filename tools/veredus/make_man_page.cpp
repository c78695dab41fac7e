// Makes a man page of a page of docs/: make_man_page FILE NAME SECTION "what it is" to standard
// output. The Markdown is that of this manual: headings, paragraphs, lists, tables, code.
#include <sysexits.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "tools/veredus/markdown.h"
#include "tools/veredus/roff.h"

namespace {

// Without links; "`code`" and "**strong**" in bold.
std::string inline_text(std::string_view text) {
    const std::string plain = veredus::without_links(text);
    std::string out;
    bool bold = false;
    for (std::size_t at = 0; at < plain.size();) {
        const std::size_t mark = plain[at] == '`' ? 1 : plain.compare(at, 2, "**") == 0 ? 2 : 0;
        if (mark != 0) {
            bold = !bold;
            out += bold ? "\\fB" : "\\fR";
            at += mark;
            continue;
        }
        const auto next = std::min(plain.find('`', at), plain.find("**", at));
        const auto piece = std::string_view(plain).substr(at, next - at);
        out += veredus::roff(piece);
        at += piece.size();
    }
    if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
    return out;
}

std::vector<std::string> cells_of(std::string_view line) {
    std::vector<std::string> cells;
    line.remove_prefix(1);
    while (!line.empty()) {
        std::size_t end = 0;
        while (end < line.size() && (line[end] != '|' || (end > 0 && line[end - 1] == '\\')))
            ++end;
        std::string cell(line.substr(0, end));
        const auto first = cell.find_first_not_of(' ');
        cell = first == std::string::npos
                   ? ""
                   : cell.substr(first, cell.find_last_not_of(' ') - first + 1);
        cells.push_back(cell);
        line.remove_prefix(std::min(line.size(), end + 1));
    }
    return cells;
}

class Page {
  public:
    Page(std::string_view name, std::string_view section, std::string_view about) {
        std::string title(name);
        std::ranges::transform(title, title.begin(), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        });
        out_ = ".TH " + title + " " + std::string(section) + " \"\" Veredus\n.SH NAME\n" +
               veredus::roff(name) + " \\- " + veredus::roff(about) + "\n.SH DESCRIPTION\n";
    }

    void add(const std::string& line) {
        if (line.starts_with("```")) {
            in_code_ = !in_code_;
            out_ += in_code_ ? ".PP\n.nf\n" : ".fi\n";
        } else if (in_code_) {
            out_ += "    " + veredus::roff(line) + "\n";
        } else if (line.starts_with("### ")) {
            out_ += ".SS " + inline_text(line.substr(4)) + "\n";
        } else if (line.starts_with("## ")) {
            out_ += ".SH " + inline_text(line.substr(3)) + "\n";
        } else if (line.starts_with("# ") || line.starts_with("|--")) {
            return;
        } else if (line.starts_with("- ")) {
            out_ += ".IP \\(bu 2\n" + inline_text(line.substr(2)) + "\n";
        } else if (line.starts_with('|')) {
            add_row(cells_of(line));
        } else {
            out_ += line.empty() ? ".PP\n" : inline_text(line) + "\n";
        }
    }
    const std::string& text() const { return out_; }

  private:
    // The first cell that says something is the term, the rest explains it.
    void add_row(const std::vector<std::string>& cells) {
        std::string term;
        std::string rest;
        for (const std::string& cell : cells) {
            if (cell.empty()) continue;
            if (term.empty())
                term = cell;
            else
                rest += (rest.empty() ? "" : "; ") + cell;
        }
        out_ += ".TP\n" + inline_text(term) + "\n" + inline_text(rest) + "\n";
    }

    std::string out_;
    bool in_code_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) return EX_USAGE;
    std::ifstream file(argv[1]);
    if (!file) return EX_NOINPUT;
    Page page(argv[2], argv[3], argv[4]);
    for (std::string line; std::getline(file, line);)
        page.add(line);
    std::cout << page.text() << ".SH SEE ALSO\n.BR veredus (8)\n";
    return std::cout.flush() ? EX_OK : EX_IOERR;
}
