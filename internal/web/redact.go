package web

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/joulebench/joulebench/internal/known"
)

// What people type can be malformed just where a secret is: a password with an @, a
// comma or a question mark in it, a query without a key. What can be a piece of one is
// not shown, at the cost of what could have been.

// hiddenPart stands for what is not shown of an address.
const hiddenPart = "…"

// RedactSource returns what may be shown of a source as POWERTEST_SOURCE names it,
// NAME=ARG, or of an address alone: neither user nor password, and of a query only the
// parameters that are this module's own. It may be malformed.
func RedactSource(value string) string {
	name, arg, found := strings.Cut(value, "=")
	source, _ := known.Find(name)
	switch {
	case !plain(name):
		return redactQuery("", value)
	case !found:
		return name
	case source.Local && !strings.ContainsAny(arg, "@") && !strings.Contains(arg, "://"):
		return value
	}
	return name + "=" + redactQuery(name, arg)
}

// ownParameter reports whether a key of a query with its value is one of the source's own.
func ownParameter(source, key, value string) bool {
	is, _ := known.Find(source)
	switch role, isRole := strings.CutPrefix(key, "role."); {
	case slices.Contains(is.Keys, key):
		return plain(value) // else it can be the end of a password with a question mark in it
	case source == "prometheus":
		return key == "selector" || key == "collect" || key == "window" || isRole && plain(role)
	}
	return false
}

// redactQuery returns what may be shown of one or more addresses with what follows
// their first question mark.
func redactQuery(source, text string) string {
	addresses, query, found := strings.Cut(text, "?")
	if strings.Contains(query, "@") { // which can be in a password
		return hiddenPart
	}
	var b strings.Builder
	// All before the last @ can be one password.
	if at := strings.LastIndexByte(addresses, '@'); at >= 0 {
		b.WriteString(hiddenPart + "@")
		addresses = addresses[at+1:]
	}
	for i, address := range strings.Split(addresses, ",") {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(redact(address))
	}
	if !found {
		return b.String()
	}
	for i, pair := range strings.Split(query, "&") {
		b.WriteByte("?&"[min(i, 1)])
		key, value, _ := strings.Cut(pair, "=")
		if !ownParameter(source, key, value) || strings.ContainsAny(value, "?#") {
			pair = hiddenPart // with its key, which a secret with an & in it would end in
		}
		b.WriteString(pair)
	}
	return b.String()
}

// Hide returns a text of a server without secrets that it may have been sent. Those of
// less than four bytes are not looked for: they are in every text.
func Hide(text string, secrets ...string) string {
	const shortest = 4
	for _, s := range secrets {
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			if len(form) >= shortest {
				text = strings.ReplaceAll(text, form, hiddenPart)
			}
		}
	}
	return text
}

// Snippet returns the beginning of an answer, on one line, without secrets that the server
// may have been sent.
func Snippet(body []byte, secrets ...string) string {
	const enough = 200
	text := Hide(strings.Join(strings.Fields(string(body[:min(len(body), 4*enough)])), " "), secrets...)
	if text == "" {
		return "nothing"
	}
	if len(text) > enough {
		text = strings.ToValidUTF8(text[:enough], "") + "…"
	}
	return text
}

// Secrets are the password of the target's address, the parameters of its path, and the keys
// and values of a query: an & in a password makes a key of its end.
func (t Target) Secrets(query url.Values) []string {
	var list []string
	if password, has := t.User.Password(); has {
		list = append(list, password)
	}
	for _, parameter := range strings.Split(t.URL.Path, ";")[1:] {
		parameter, _, _ = strings.Cut(parameter, "/")
		_, value, _ := strings.Cut(parameter, "=")
		list = append(list, parameter, value)
	}
	for key, values := range query {
		list = append(append(list, key), values...)
	}
	return list
}

// plain reports whether a name can be shown: it is short, and has only letters, digits
// and what joins them.
func plain(name string) bool {
	const longest = 64
	return name != "" && len(name) <= longest && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '.' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// redact returns what may be shown of an address that may be malformed: nothing
// before the last @ but the scheme, and nothing of query, fragment and path parameters.
func redact(text string) string {
	scheme, rest, found := strings.Cut(text, "://")
	switch {
	case !found || strings.ContainsAny(scheme, "?#"): // it is in a query
		scheme, rest = "", text
	case strings.TrimSpace(scheme) != "" && !plain(strings.TrimSpace(scheme)):
		return hiddenPart // what stands before it can be anything
	default:
		scheme += "://"
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if strings.ContainsAny(rest[:at], "?#") {
			return scheme + hiddenPart // the @ may be in a password, or in a query
		}
		rest = rest[at+1:]
	}
	if end := strings.IndexAny(rest, "?#;"); end >= 0 {
		rest = rest[:end]
	}
	if !portLike(rest) {
		return scheme + hiddenPart // the beginning of a password that was cut at a comma, or the like
	}
	return scheme + rest
}

// portLike reports whether what follows a colon in the host is a port, or the
// rest of an address of IPv6.
func portLike(rest string) bool {
	host, _, _ := strings.Cut(rest, "/")
	if v6, found := strings.CutPrefix(host, "["); found {
		v6, after, closed := strings.Cut(v6, "]")
		v6, _, _ = strings.Cut(v6, "%25") // a zone
		if !closed || net.ParseIP(v6) == nil {
			return false
		}
		host = after
	}
	_, port, _ := strings.Cut(host, ":")
	return strings.Trim(port, "0123456789") == ""
}
