package live_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-api/gatehouse/internal/live"
)

// TestFramesThatAreNoMessages sends what a count of messages and pings does not
// see, without end.
func TestFramesThatAreNoMessages(t *testing.T) {
	const key = "\x00\x00\x00\x00" // a mask that leaves the payload as it is
	for attack, c := range map[string]struct{ first, flood string }{
		"empty fragments": {"\x01\x81" + key + "p", "\x00\x80" + key},
		"unasked pongs":   {"", "\x8a\x80" + key},
	} {
		t.Run(attack, func(t *testing.T) {
			s := open(t, live.Config{MaxMessage: 1024, Messages: 5})
			conn, reader := upgraded(t, s.url)
			defer func() { _ = conn.Close() }()
			flood := []byte(c.first + strings.Repeat(c.flood, 2000)) // 12 kB; five messages would be 5 kB
			if _, err := conn.Write(flood); err != nil {
				t.Fatal(err)
			}
			frame := make([]byte, 4)
			if _, err := io.ReadFull(reader, frame); err != nil {
				t.Fatal(err)
			}
			if code := int(frame[2])<<8 | int(frame[3]); frame[0] != 0x88 || code != 1008 {
				t.Errorf("frame % x, want a close with 1008", frame)
			}
		})
	}
}

func TestMessagesAtTheirLargestAreRead(t *testing.T) {
	s := open(t, live.Config{MaxMessage: 1024, Messages: 5})
	ws := s.dial()
	for range 4 {
		s.send(ws, strings.Repeat("a", 1024))
	}
	s.send(ws, "ping")
	if got := s.read(ws); got != `"pong"` {
		t.Fatalf("got %q", got)
	}
}

// TestMeterBeginsAgain lets the time of a window pass between two messages.
func TestMeterBeginsAgain(t *testing.T) {
	s := open(t, live.Config{MaxMessage: 1024, Messages: 1, Window: time.Nanosecond})
	ws := s.dial()
	for range 8 {
		s.send(ws, strings.Repeat("a", 1000))
		s.send(ws, "ping")
		if got := s.read(ws); got != `"pong"` {
			t.Fatalf("got %q", got)
		}
	}
}

func TestHandshakeOfAnOldProtocol(t *testing.T) {
	s := open(t, live.Config{})
	host := strings.TrimPrefix(s.url, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.0\r\nHost: %s\r\n%s\r\n", host, upgradeHeader()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusUpgradeRequired || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d as %s, want 426 in our words (RFC 6455 §4.1 asks for HTTP/1.1)", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
}
