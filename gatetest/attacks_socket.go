package gatetest

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-api/gatehouse/call"
)

func isSocket(o *operation) bool { return o.op.Socket != nil }

// handshakeAttacks ask for a WebSocket that must not be opened.
func handshakeAttacks(s *suite) []Attack {
	own := s.origin()
	scheme, host, _ := strings.Cut(own, "://")
	var rows []Attack
	for _, origin := range []struct{ name, value string }{
		{"a foreign origin", "https://" + evil}, {"origin null", "null"}, {"an origin that begins like ours", own + "." + evil},
		{"an origin that ends like ours", scheme + "://evil-" + host}, {"an origin with another port", scheme + "://" + strings.Split(host, ":")[0] + ":1"},
		{"no origin in the field", ""},
	} {
		rows = append(rows, s.eachReached("WebSocket of "+origin.name, isSocket, func(h http.Handler, o *operation) error {
			r := s.request(o, s.entitled(o))
			r.Header["Origin"] = []string{origin.value}
			return s.shut(h, r, "", http.StatusForbidden, http.StatusUnauthorized, http.StatusBadRequest)
		})...)
	}
	closed := func(o *operation) bool { return isSocket(o) && s.shutToGuests(o) }
	rows = append(rows, s.each("WebSocket without credentials", closed, func(h http.Handler, o *operation) error {
		return s.shut(h, s.request(o, call.Guest), "", http.StatusUnauthorized)
	})...)
	rows = append(rows, s.each("WebSocket with a token in the query", func(o *operation) bool { return closed(o) && s.signed(o) != "" }, func(h http.Handler, o *operation) error {
		r := s.request(o, call.Guest)
		token := s.Tokens[s.signed(o)]()
		r.URL.RawQuery = join(o.query, "access_token="+token+"&token="+token)
		return s.shut(h, r, "", http.StatusUnauthorized, http.StatusBadRequest)
	})...)
	for _, a := range []struct {
		name   string
		change func(*http.Request)
	}{
		{"WebSocket of an old version", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") }},
		{"WebSocket without a key", func(r *http.Request) { r.Header.Del("Sec-WebSocket-Key") }},
		{"WebSocket with a short key", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "c2hvcnQ=") }},
		{"WebSocket with two keys", func(r *http.Request) { r.Header.Add("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEA==") }},
		{"WebSocket by POST", func(r *http.Request) { r.Method = http.MethodPost }},
	} {
		rows = append(rows, s.eachReached(a.name, isSocket, func(h http.Handler, o *operation) error {
			r := s.request(o, s.entitled(o))
			a.change(r)
			return s.shut(h, r, "", http.StatusBadRequest, http.StatusUpgradeRequired, http.StatusMethodNotAllowed)
		})...)
	}
	return append(rows, s.eachReached("WebSocket over HTTP/1.0", isSocket, func(h http.Handler, o *operation) error {
		r := s.request(o, s.entitled(o))
		var text strings.Builder
		fmt.Fprintf(&text, "GET %s HTTP/1.0\r\nHost: %s\r\n", r.URL.RequestURI(), r.Host)
		if err := r.Header.Write(&text); err != nil {
			return err
		}
		return s.shut(h, r, text.String()+"\r\n", http.StatusBadRequest, http.StatusUpgradeRequired, http.StatusHTTPVersionNotSupported)
	})...)
}

// shut wants a handshake to be refused with one of the statuses.
func (s *suite) shut(h http.Handler, r *http.Request, text string, statuses ...int) error {
	k, a, err := s.openAs(h, r, text)
	if err != nil {
		return err
	}
	if k != nil {
		k.close()
		return a.wrong("the WebSocket was opened; want %s", oneOf(statuses))
	}
	return a.refused(statuses...)
}

// messageAttacks open a socket as somebody who may and send what a server must
// not stand.
func messageAttacks(s *suite) []Attack {
	sized := func(o *operation) bool {
		return isSocket(o) && o.op.Socket.MaxMessage > 0 && o.op.Socket.MaxMessage <= 16<<20
	}
	var rows []Attack
	for _, a := range []struct {
		name   string
		fits   func(*operation) bool
		frames func(o *operation) []frame
	}{
		{"message larger than the limit", sized, func(o *operation) []frame {
			return []frame{{op: opText, payload: strings.Repeat("a", int(o.op.Socket.MaxMessage)+1)}}
		}},
		{"message larger than the limit in pieces", sized, func(o *operation) []frame {
			half := strings.Repeat("a", int(o.op.Socket.MaxMessage)/2+1)
			return []frame{{op: opText, payload: half, more: true}, {op: opContinuation, payload: half}}
		}},
		{"more messages than the rate", s.counted, tooMany},
		{"binary message", isSocket, one(frame{op: opBinary, payload: "ping"})},
		{"text that is not UTF-8", isSocket, one(frame{op: opText, payload: "\xff\xfe"})},
		{"frame without a mask", isSocket, one(frame{op: opText, payload: "ping", bare: true})},
		{"frame with a reserved bit", isSocket, one(frame{op: opText, payload: "ping", reserved: 0x40})},
		{"frame with an opcode that nobody knows", isSocket, one(frame{op: 0x3, payload: "ping"})},
		{"control frame in pieces", isSocket, one(frame{op: opPing, payload: "ping", more: true})},
		{"control frame that is too long", isSocket, one(frame{op: opPing, payload: strings.Repeat("a", 126)})},
		{"continuation of nothing", isSocket, one(frame{op: opContinuation, payload: "ping"})},
		{"message inside of a message", isSocket, func(*operation) []frame {
			return []frame{{op: opText, payload: "pi", more: true}, {op: opText, payload: "ng"}}
		}},
		{"length that is negative", isSocket, one(frame{op: opText, length: []byte{127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})},
	} {
		rows = append(rows, s.eachReached(a.name, a.fits, func(h http.Handler, o *operation) error { return s.ended(h, o, a.frames(o)) })...)
	}
	for name, text := range map[string]string{"message that the contract does not name": `{"type":"` + canary + `"}`, "message that is no JSON": `{"` + canary} {
		rows = append(rows, s.eachReached(name, isSocket, func(h http.Handler, o *operation) error { return s.ignored(h, o, text) })...)
	}
	return sorted(rows)
}

// counted tells whether the contract caps the messages of o at a number that is
// worth trying.
func (s *suite) counted(o *operation) bool {
	return isSocket(o) && o.op.Socket.MaxRate.Requests > 0 && o.op.Socket.MaxRate.Requests <= 10_000
}

func one(f frame) func(*operation) []frame {
	return func(*operation) []frame { return []frame{f} }
}

func tooMany(o *operation) []frame {
	frames := make([]frame, o.op.Socket.MaxRate.Requests+1)
	for i := range frames {
		frames[i] = frame{op: opText, payload: `"gatetest"`}
	}
	return frames
}

// opened opens the socket of o as somebody who may.
func (s *suite) opened(h http.Handler, o *operation) (*socket, answer, error) {
	k, a, err := s.open(h, s.request(o, s.entitled(o)))
	switch {
	case err != nil:
		return nil, a, err
	case k == nil:
		return nil, a, a.wrong("the WebSocket could not be opened, want 101")
	case a.header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=": // RFC 6455 section 1.3
		k.close()
		return nil, a, a.wrong("Sec-WebSocket-Accept is %q, which does not fit the key", a.header.Get("Sec-WebSocket-Accept"))
	}
	return k, a, nil
}

// ended wants the server to end the connection for some frames.
func (s *suite) ended(h http.Handler, o *operation, frames []frame) error {
	k, a, err := s.opened(h, o)
	if err != nil {
		return err
	}
	defer k.close()
	for _, f := range frames {
		if _, err := k.Write(f.bytes()); err != nil {
			break // the server has ended it already
		}
	}
	if ended, said := k.ends(); !ended {
		return fmt.Errorf("the connection goes on for %s, want the server to end it\n%s\n         and %s\nreceived %q", s.Patience, a.sent, framesInWords(frames), said)
	}
	return nil
}

func framesInWords(frames []frame) string {
	f := frames[0]
	return fmt.Sprintf("%d frames, the first: opcode %#x, %d bytes, FIN %v, masked %v, reserved bits %#x", len(frames), f.op, len(f.payload), !f.more, !f.bare, f.reserved)
}

// ignored wants a message to be answered with nothing that the contract does not
// state, and the server to go on or to end the connection.
func (s *suite) ignored(h http.Handler, o *operation, text string) error {
	k, a, err := s.opened(h, o)
	if err != nil {
		return err
	}
	defer k.close()
	for _, f := range []frame{{op: opText, payload: text}, {op: opPing, payload: "gatetest"}} {
		if _, err := k.Write(f.bytes()); err != nil {
			break
		}
	}
	ok, said := k.ponged()
	if !ok {
		return fmt.Errorf("no answer to a ping for %s after the message %s\n%s", s.Patience, text, a.sent)
	}
	for _, message := range said {
		if strings.Contains(message, canary) || !utf8.ValidString(message) {
			return fmt.Errorf("the server repeats a message that the contract does not name: %s\n%s", brief(message), a.sent)
		}
		if len(o.op.Socket.Send) > 0 && !sends(o, message) {
			return fmt.Errorf("the server sends what the contract does not state under send: %s\n%s", brief(message), a.sent)
		}
		if err := (answer{sent: a.sent, status: a.status, body: message}).silent(); err != nil {
			return err
		}
	}
	return nil
}

// sends tells whether a message of the server fits one of those of the contract.
func sends(o *operation, message string) bool {
	for name := range o.op.Socket.Send {
		if len(o.op.Socket.CheckSend(name, []byte(message))) == 0 {
			return true
		}
	}
	return false
}
