#include "spool/mailbox/statements.h"

namespace veredus::spool {
namespace {

#define VEREDUS_MAILBOX_COLUMNS                                                         \
    "SELECT id, name, uid_validity, uid_next, highest_modseq, special_use, selectable," \
    " EXISTS (SELECT 1 FROM subscription WHERE subscription.name = mailbox.name) FROM mailbox "
#define VEREDUS_MESSAGE_COLUMNS                                                                \
    "SELECT uid, flags, modseq, internal_date_us, zone_minutes, size, content, keywords FROM " \
    "message "

}  // namespace

MailboxStore::Statements::Statements(Database& d)
    : mailbox_by_name(d.prepare(VEREDUS_MAILBOX_COLUMNS "WHERE name = ?1")),
      mailbox_by_id(d.prepare(VEREDUS_MAILBOX_COLUMNS "WHERE id = ?1")),
      next_modseq(d.prepare("UPDATE mailbox SET highest_modseq = highest_modseq + 1 WHERE id = ?1"
                            " RETURNING highest_modseq")),
      next_uid(d.prepare(
          "UPDATE mailbox SET uid_next = uid_next + 1 WHERE id = ?1 RETURNING uid_next - 1")),
      insert_content(d.prepare(
          "INSERT INTO content (file, offset, length, digest, envelope, body, body_structure)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")),
      insert_message(d.prepare(
          "INSERT INTO message (mailbox, uid, flags, modseq, internal_date_us, zone_minutes,"
          " size, content, keywords) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")),
      insert_keyword(d.prepare("INSERT OR IGNORE INTO keyword (mailbox, name) VALUES (?1, ?2)")),
      keyword(d.prepare("SELECT name FROM keyword WHERE mailbox = ?1 AND name = ?2")),
      rows(d.prepare(VEREDUS_MESSAGE_COLUMNS "WHERE mailbox = ?1 ORDER BY uid")),
      row(d.prepare(VEREDUS_MESSAGE_COLUMNS "WHERE mailbox = ?1 AND uid = ?2")),
      structure(d.prepare("SELECT envelope, body, body_structure FROM content WHERE id = ?1")),
      body(d.prepare("SELECT file, offset, length, digest FROM content WHERE id = ?1")),
      changed_rows(
          d.prepare(VEREDUS_MESSAGE_COLUMNS "WHERE mailbox = ?1 AND modseq > ?2 ORDER BY uid")),
      vanished_uids(
          d.prepare("SELECT uid FROM vanished WHERE mailbox = ?1 AND modseq > ?2 ORDER BY uid")),
      update_flags(d.prepare("UPDATE message SET flags = ?3, keywords = ?4, modseq = ?5"
                             " WHERE mailbox = ?1 AND uid = ?2")),
      delete_message(
          d.prepare("DELETE FROM message WHERE mailbox = ?1 AND uid = ?2 RETURNING content")),
      insert_vanished(d.prepare("INSERT INTO vanished (mailbox, modseq, uid) VALUES (?1, ?2, ?3)")),
      content_in_use(d.prepare("SELECT 1 FROM message WHERE content = ?1")),
      delete_content(d.prepare("DELETE FROM content WHERE id = ?1 RETURNING file")),
      was_delivered(d.prepare("SELECT 1 FROM delivered WHERE id = ?1 AND recipient = ?2")),
      insert_delivered(
          d.prepare("INSERT INTO delivered (id, recipient, at_us) VALUES (?1, ?2, ?3)")) {}

#undef VEREDUS_MAILBOX_COLUMNS
#undef VEREDUS_MESSAGE_COLUMNS

}  // namespace veredus::spool
