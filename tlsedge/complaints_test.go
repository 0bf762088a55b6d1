package tlsedge

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// hello is a ClientHello (RFC 8446 §4.1.2) with cipher suites and names of
// protocols (RFC 7301 §3.1), in records of 16 KB.
func hello(suites int, protocols ...string) (records string) {
	sized := func(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
	var names []byte
	for _, p := range protocols {
		names = append(append(names, byte(len(p))), p...)
	}
	extensions := []byte{0, 10, 0, 4, 0, 2, 0, 29, 0, 13, 0, 4, 0, 2, 4, 3}
	if len(names) > 0 {
		extensions = append(append(extensions, 0, 16), sized(sized(names))...)
	}
	body := append([]byte{3, 3}, make([]byte, 32+1)...)
	body = append(body, sized([]byte(strings.Repeat("\x13\x99", suites)+"\xc0\x2b"[:2*min(1, len(protocols))]))...)
	body = append(append(body, 1, 0), sized(extensions)...)
	message := append(binary.BigEndian.AppendUint32(nil, 1<<24|uint32(len(body))), body...)
	for len(message) > 0 {
		n := min(len(message), 16000)
		records += "\x16\x03\x01" + string(sized(message[:n]))
		message = message[n:]
	}
	return records
}

// TestAHelloIsNotQuoted: what a client writes into its first message does not
// reach the log, and no line is long because of it.
func TestAHelloIsNotQuoted(t *testing.T) {
	var many []string
	for range 250 {
		many = append(many, strings.Repeat("\x01", 255))
	}
	for _, row := range []struct{ name, says, log string }{
		{"64 KB of protocols in characters that are escaped", hello(1, many...), "client requested unsupported application protocols"},
		{"a secret in the name of a protocol", hello(1, "CANARY"), "client requested unsupported application protocols"},
		{"60 KB of cipher suites", hello(30_000), "no cipher suite supported by both client and server"},
	} {
		addr, log := startEncrypted(t, nothing())
		_, _ = answerTo(t, addr, row.says)
		text := log.String()
		if !strings.Contains(text, row.log) {
			t.Errorf("%s: log %.300q", row.name, text)
		}
		if strings.Contains(text, "CANARY") || strings.Contains(text, "1399") || len(text) > 300 {
			t.Errorf("%s: %d bytes: %.400q", row.name, len(text), text)
		}
	}
	if got := inOurWords(strings.Repeat("x", 1000)); len(got) != 256 {
		t.Errorf("%d bytes of a fault that Go may come to tell", len(got))
	}
}

// TestAPanicInTheHandshake: it ends one connection, and the server serves on.
func TestAPanicInTheHandshake(t *testing.T) {
	pair, bad, log := newCertificate(t, certificate{names: []string{"localhost"}}), true, new(lockedLog)
	addr := start(t, ServerConfig{Handler: nothing(), Log: slog.NewTextHandler(log, nil), GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if bad {
			bad = false
			panic("no certificate for you")
		}
		return &pair, nil
	}})
	for _, fails := range []bool{true, false} {
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
		}
		if (err != nil) != fails {
			t.Errorf("handshake: %v", err)
		}
	}
	if text := log.String(); !strings.Contains(text, "tlsedge: panic in the handshake with 127.0.0.1:") || !strings.Contains(text, "no certificate for you") {
		t.Errorf("log: %s", text)
	}
}

// TestAFloodOfFaults: a thousand connections that do the same wrong are one line
// a minute for each address, with how many there were.
func TestAFloodOfFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		srv := inMemory(t, &log)
		say := func(address string) { srv.ErrorLog.Printf("http: TLS handshake error from %s: EOF", address) }
		for i := range 1000 {
			say(fmt.Sprintf("203.0.113.9:%d", 1000+i))
			say(fmt.Sprintf("[2001:db8::%x]:443", i))
		}
		say("198.51.100.7:1")
		srv.ErrorLog.Print("tlsedge: request from 203.0.113.9:1 refused on the connection: a trailer")
		if n := strings.Count(log.String(), "\n"); n != 4 {
			t.Errorf("%d lines; want one for each address and fault:\n%s", n, log.String())
		}
		log.Reset()
		time.Sleep(time.Minute)
		say("203.0.113.9:7")
		for _, want := range []string{
			`msg="http: TLS handshake error from 203.0.113.9:1999: EOF" more=998`, `msg="http: TLS handshake error from [2001:db8::3e7]:443: EOF" more=998`,
			`msg="http: TLS handshake error from 203.0.113.9:7: EOF"` + "\n",
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("after a minute:\n%s\nwant %s", log.String(), want)
			}
		}
		log.Reset()
		time.Sleep(time.Minute)
		for i := range 100_000 {
			say(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&0xff, i&0xff))
		}
		if n := strings.Count(log.String(), "\n"); n != maxComplaints+1 { // and one for all the others
			t.Errorf("%d lines of 100000 addresses in a minute", n)
		}
		log.Reset()
		time.Sleep(time.Minute / 2)
		say("203.0.113.8:1")
		if log.Len() > 0 {
			t.Errorf("half a minute later:\n%.500s", log.String())
		}
		time.Sleep(time.Minute / 2)
		say("203.0.113.8:2") // the others were many, and it is one of them
		if n := strings.Count(log.String(), "\n"); n != 2 || !strings.Contains(log.String(), "203.0.113.8:2") || !strings.Contains(log.String(), " more=99743\n") {
			t.Errorf("a minute later:\n%.500s", log.String())
		}
		log.Reset()
		time.Sleep(time.Minute)
		say("203.0.113.7:1")
		time.Sleep(time.Minute / 2)
		say("203.0.113.7:2")
		time.Sleep(time.Minute / 2)
		say("203.0.113.6:1")
		if got := log.String(); strings.Count(got, "\n") != 3 || strings.Contains(got, "more=") {
			t.Errorf("of two there is one more line, which counts none:\n%s", got)
		}
	})
}

// TestWhenComplaintsAreTold: once in a minute, and looked over once a minute, not at
// each of a flood, so that one may be told again a little later.
func TestWhenComplaintsAreTold(t *testing.T) {
	type step struct {
		after time.Duration
		what  string
		told  int
	}
	for name, steps := range map[string][]step{
		"looked over once a minute": {{0, "a", 1}, {30 * time.Second, "b", 1}, {30 * time.Second, "c", 1}, {30 * time.Second, "b", 0}, {30 * time.Second, "d", 2}},
		"not before a minute":       {{0, "a", 1}, {59_500 * time.Millisecond, "a", 0}, {500 * time.Millisecond, "a", 2}},
		"nor one that came later":   {{0, "a", 1}, {500 * time.Millisecond, "b", 1}, {59_500 * time.Millisecond, "b", 0}},
	} {
		var log strings.Builder
		at := time.Unix(1_000_000, 0)
		c := newComplaints(slog.NewTextHandler(&log, nil), func() time.Time { return at })
		for i, s := range steps {
			log.Reset()
			at = at.Add(s.after)
			if err := c.Handle(t.Context(), slog.NewRecord(at, slog.LevelWarn, s.what, 0)); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(log.String(), "\n"); n != s.told {
				t.Errorf("%s, step %d: %d lines, want %d:\n%s", name, i, n, s.told, log.String())
			}
		}
	}
}

// TestComplaintsAreCountedToTheLast: those that are told have their own count when
// there are as many as there may be, and of three one is told and one counted.
func TestComplaintsAreCountedToTheLast(t *testing.T) {
	var log strings.Builder
	at := time.Unix(1_000_000, 0)
	c := newComplaints(slog.NewTextHandler(&log, nil), func() time.Time { return at })
	say := func(what string) string {
		log.Reset()
		if err := c.Handle(t.Context(), slog.NewRecord(at, slog.LevelWarn, what, 0)); err != nil {
			t.Fatal(err)
		}
		return log.String()
	}
	for i := range maxComplaints {
		say(fmt.Sprint("fault ", i))
	}
	for range 2 {
		if got := say("fault 0"); got != "" {
			t.Errorf("told again: %s", got)
		}
	}
	at = at.Add(time.Minute)
	if got := say("later"); strings.Count(got, "\n") != 2 || !strings.Contains(got, `msg="fault 0" more=1`+"\n") {
		t.Errorf("a minute later:\n%s", got)
	}
}

// TestComplaintsThatCannotBeWritten: who asks is told.
func TestComplaintsThatCannotBeWritten(t *testing.T) {
	c := newComplaints(slog.NewTextHandler(brokenLog{}, nil), time.Now)
	if err := c.Handle(t.Context(), slog.NewRecord(time.Now(), slog.LevelWarn, "m", 0)); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
	if got := withoutPort("a [::1]:2, 192.0.2.7:80: b\nc"); got != "a :: 192.0.2.7 b" {
		t.Errorf("%q", got)
	}
}

type brokenLog struct{}

func (brokenLog) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
