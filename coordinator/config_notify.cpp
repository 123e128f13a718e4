// `notify:`: who is told of incidents (docs/alerts.md, "Telling people").
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "coordinator/config_parts.h"

namespace sonde {
namespace {

using config::assign;
using config::Fields;
using config::Value;
using namespace std::chrono_literals;

constexpr std::size_t most_receivers = 100;
constexpr std::size_t most_words = 100;

/// What every receiver may have: `severity`, `sites`, `groups`.
NotifyRoute read_route(Fields& fields, const std::vector<SiteSpec>& sites) {
  NotifyRoute out;
  if (auto severity = fields.get("severity"))
    if (const auto word = severity->text()) {
      if (const auto known = alert_severity_named(*word))
        out.least = *known;
      else
        severity->complain(fmt::format("{} is no severity", config::in_quotes(*word)),
                           "write info, warning or critical");
    }
  if (auto names = fields.get("sites"))
    for (const Value& item : names->list(sites.size() + 1))
      if (const auto site = item.site()) {
        if (std::ranges::find(sites, *site, &SiteSpec::site) == sites.end())
          item.complain(config::in_quotes(site->str()) + " is no site", "name one of the mesh's sites");
        out.sites.push_back(*site);
      }
  if (auto names = fields.get("groups"))
    for (const Value& item : names->list(most_words))
      if (const auto group = item.text(63)) {
        if (std::ranges::none_of(sites, [&](const SiteSpec& site) {
              return std::ranges::find(site.groups, *group) != site.groups.end();
            }))
          item.complain("no site is in the group " + config::in_quotes(*group), "name a group that a site has");
        out.groups.push_back(*group);
      }
  return out;
}

bool is_mail_server(std::string_view text) {
  return text.find_first_of(" \t/@") == std::string_view::npos && !text.empty();
}

/// `HOST`, `HOST:PORT`, `smtp://...` or `smtps://...` as an URL.
std::optional<std::string> server_url(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  std::string_view host = *text;
  std::string scheme = "smtp://";
  for (const std::string_view known : {"smtp://", "smtps://"})
    if (host.starts_with(known)) {
      scheme = known;
      host.remove_prefix(known.size());
    }
  if (is_mail_server(host)) return scheme + std::string(host);
  value.complain(config::in_quotes(*text) + " is no mail server",
                 "write it like mail.example.net, mail.example.net:587 or smtps://mail.example.net");
  return std::nullopt;
}

std::optional<std::string> mail_address(const Value& value) {
  const auto text = value.text(254);
  if (!text) return std::nullopt;
  const std::size_t at = text->find('@');
  if (at != std::string::npos && at > 0 && at + 1 < text->size() && text->find_first_of(" <>,") == std::string::npos)
    return text;
  value.complain(config::in_quotes(*text) + " is no mail address", "write it like ops@example.net");
  return std::nullopt;
}

Receiver read_alertmanager(Fields& fields) {
  Receiver out{.kind = ReceiverKind::alertmanager};
  if (auto url = fields.need("url", "give the Alertmanager's address, such as http://127.0.0.1:9093"))
    assign(out.url, url->url());
  return out;
}

Receiver read_webhook(Fields& fields) {
  Receiver out{.kind = ReceiverKind::webhook};
  if (auto url = fields.need("url", "give the address that incidents are posted to")) assign(out.url, url->url());
  if (auto secret = fields.get("secret_file")) assign(out.secret_file, secret->file_path());
  return out;
}

Receiver read_smtp(Fields& fields) {
  Receiver out{.kind = ReceiverKind::mail};
  out.from = "sonde@localhost";
  if (auto server = fields.need("server", "give the mail server, such as mail.example.net:25"))
    assign(out.url, server_url(*server));
  if (auto from = fields.get("from")) assign(out.from, mail_address(*from));
  if (auto to = fields.need("to", "give the addresses that mail goes to, such as [ops@example.net]")) {
    for (const Value& item : to->list(most_words))
      if (auto address = mail_address(item)) out.to.push_back(*std::move(address));
    if (to->is_list() && to->node().items.empty()) to->complain("nobody is named", "give at least one address");
  }
  if (auto user = fields.get("user")) assign(out.user, user->text());
  if (auto password = fields.get("password_file")) assign(out.secret_file, password->file_path());
  return out;
}

std::vector<std::string> read_words(const Value& value) {
  std::vector<std::string> out;
  for (const Value& item : value.list(most_words))
    if (auto word = item.text()) out.push_back(*std::move(word));
  if (value.is_list() && value.node().items.empty())
    value.complain("the command is empty", "give the program and its arguments, such as [/usr/local/bin/page-me]");
  return out;
}

Receiver read_run(Fields& fields) {
  Receiver out{.kind = ReceiverKind::command};
  if (auto run = fields.need("run", "give the program and its arguments, such as [/usr/local/bin/page-me]"))
    out.argv = read_words(*run);
  return out;
}

}  // namespace

NotifyPolicy read_notify(const Value& value, const Mesh& mesh) {
  NotifyPolicy out;
  Fields fields(value);
  std::set<std::string> titles;
  const auto add = [&](Receiver receiver, const Value& item) {
    if (!titles.insert(receiver.title()).second)
      item.complain("the same receiver is given twice", "leave one of them out");
    out.receivers.push_back(std::move(receiver));
  };
  const auto read = [&](const std::optional<Value>& list, Receiver (*read_one)(Fields&)) {
    if (!list) return;
    for (const Value& item : list->list(most_receivers)) {
      Fields one(item);
      Receiver receiver = read_one(one);
      receiver.route = read_route(one, mesh.sites);
      if (receiver.kind != ReceiverKind::command)
        if (auto trusted = one.get("ca_file")) assign(receiver.ca_file, trusted->file_path());
      one.finish();
      if (!receiver.url.empty() || !receiver.argv.empty()) add(std::move(receiver), item);
    }
  };
  read(fields.get("alertmanager"), read_alertmanager);
  read(fields.get("webhook"), read_webhook);
  read(fields.get("smtp"), read_smtp);
  // A list of words is one command; a list of mappings holds several, each with its route.
  if (const auto list = fields.get("command");
      list && list->is_list() && std::ranges::none_of(list->node().items, [](const config::Node& item) {
        return item.kind == config::Node::Kind::map;
      })) {
    Receiver receiver{.kind = ReceiverKind::command};
    receiver.argv = read_words(*list);
    add(std::move(receiver), *list);
  } else {
    read(list, read_run);
  }
  if (auto wait = fields.get("group_wait")) assign(out.group_wait, wait->duration(0s, 1h));
  if (auto repeat = fields.get("repeat")) assign(out.repeat, repeat->duration(1min, 30 * 24h));
  fields.finish();
  return out;
}

}  // namespace sonde
