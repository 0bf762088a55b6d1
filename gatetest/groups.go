package gatetest

import (
	"slices"
	"strings"
)

// group is rows about one thing.
type group struct {
	name, why string
	rows      func(*suite) []Attack
}

// build makes the rows of some groups.
func (s *suite) build(groups []group) []Attack {
	var all []Attack
	for _, g := range groups {
		for _, a := range g.rows(s) {
			a.Group, a.Why = g.name, g.why
			all = append(all, a)
		}
	}
	return all
}

// attackGroups are what Attacks runs, in the order in which a request passes.
func attackGroups() []group {
	return []group{
		{"hosts", "a name that is not ours in Host leads to DNS rebinding, poisoned caches and links to a stranger: answer the names you " +
			"have, 421 otherwise (RFC 9110 section 7.4)", hostAttacks},
		{"transport", "credentials in the clear are anybody's, and who is asked must not decide whether they were: refuse plain HTTP from " +
			"elsewhere, believe forwarded fields of declared proxies alone (ASVS 5.0 4.1.2, 12.2.1)", transportAttacks},
		{"paths", "two readers that take one path for two let a request around the rules of one of them (CWE-22, RFC 3986 section 6.2.2): " +
			"refuse what is in no normal form, and what no contract describes", pathAttacks},
		{"methods", "what a rule says of one method must not be had through another (OWASP API5:2023): answer 405 with Allow (RFC 9110 " +
			"section 15.5.6)", methodAttacks},
		{"tokens", "who sends no credential, a forged one, or one in the wrong place is a guest (OWASP API2:2023, RFC 6750): answer 401 with " +
			"WWW-Authenticate", tokenAttacks},
		{"JWT", "a good signature alone says nothing: algorithm, key, type, issuer, audience and time must be those that you expect (RFC " +
			"8725, OWASP API2:2023)", jwtAttacks},
		{"objects", "whoever may call an operation may do so for their own objects alone (OWASP API1:2023): answer 403 or 404 for those of " +
			"somebody else", objectAttacks},
		{"bodies", "what two decoders read in two ways, or what fits no schema, is a way around the checks of one (OWASP API3:2023, " +
			"API8:2023, RFC 8259): decode strictly, within a size, and refuse with 400 or 413", bodyAttacks},
		{"media types", "a body that is read as something else than it says skips the checks of what it says, and a simple form can send it from " +
			"another site: answer 415 (OWASP REST Security Cheat Sheet)", mediaAttacks},
		{"queries", "parameters that nobody described reach code that nobody checked (OWASP API8:2023): refuse them with 400", queryAttacks},
		{"CORS", "a page of another site must not read what the visitor may (Fetch standard, section 3.2): name origins one by one, never " +
			"null, never by their beginning or end", originAttacks},
		{"CSRF", "a browser sends the cookie with requests that another site makes it send: refuse unsafe methods and WebSockets whose " +
			"Origin or Sec-Fetch-Site is not yours (OWASP CSRF Prevention Cheat Sheet, ASVS 5.0 3.5.1)", cookieAttacks},
		{"headers", "browsers need to be told not to sniff, frame, execute or keep what an API answers, refusals too (OWASP REST Security " +
			"Cheat Sheet, Security Headers)", headerAttacks},
		{"dialect", "a client that cannot tell one refusal from another handles none, and error pages of a framework tell of the inside (RFC " +
			"9457, OWASP API8:2023): refuse in the shape that the contract names, everywhere", dialectAttacks},
		{"echoes", "what an answer repeats is what somebody else wrote: script in a page, a line in a log, a poisoned cache (CWE-79, " +
			"CWE-117): say which rule was broken, not with what", echoAttacks},
		{"scans", "who may try without end finds what there is (OWASP API4:2023): count by address, unknown paths too, and answer 429 with " +
			"Retry-After (RFC 6585 section 4)", floodAttacks},
		{"WebSocket handshakes", "browsers let every page open a socket, with the visitor's cookies: check Origin and credentials before the 101 (RFC 6455 " +
			"section 10, ASVS 5.0 4.4.2)", handshakeAttacks},
		{"WebSocket messages", "a socket that is open is a door without limits: cap size and rate, fail on frames that break the protocol, take what the " +
			"contract names (RFC 6455 sections 5 and 7, ASVS 5.0 4.4)", messageAttacks},
	}
}

func accessGroups() []group {
	return []group{
		{"access", "the contract says who may call, and somebody relies on it both ways (OWASP API5:2023)", accessRows},
		{"members", "the contract says who may set a member, and a role that sets another's gives itself what it likes (OWASP API3:2023)", memberRows},
	}
}

func answerGroups() []group {
	return []group{{"answers", "what leaves beyond the contract is what nobody decided to show (OWASP API3:2023, API8:2023)", answerRows}}
}

func wireGroups() []group {
	return []group{
		{"framing", "where two programs on the way disagree about where a request ends, one of them serves a request that the other has not " +
			"seen (RFC 9112 section 11.2): refuse with 400 and end the connection; tlsedge.Serve does, net/http alone does not", framingAttacks},
		{"chunks", "a body whose end two programs see in two places hides a request (RFC 9112 section 7.1): fail the read and end the connection", chunkAttacks},
		{"floods", "a header without end is memory without end (OWASP API4:2023): answer 431, and end the connection", headerFloods},
	}
}

// sorted puts rows that were made from a map into an order.
func sorted(rows []Attack) []Attack {
	slices.SortStableFunc(rows, func(a, b Attack) int { return strings.Compare(a.Name, b.Name) })
	return rows
}
