package gatetest

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// wireRow is bytes on a connection.
type wireRow struct{ name, raw string }

// wire writes the target's host into bytes: HOST stands for it.
func (s *suite) wire(raw string) string { return strings.ReplaceAll(raw, "HOST", s.Host) }

const (
	wireBegin = "POST /gatetest HTTP/1.1\r\nHost: HOST\r\n"
	wireChunk = wireBegin + "Transfer-Encoding: chunked\r\n\r\n"
	smuggled  = "GET /gatetest-smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n"
)

// framing are requests that two readers frame or route in two ways (RFC 9112
// sections 2.2, 3, 5.1, 5.2, 6.1, 6.3).
func framing() []wireRow {
	get := "GET /gatetest HTTP/1.1\r\n"
	return []wireRow{
		{"CL.TE: Transfer-Encoding beside Content-Length", wireBegin + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"TE.CL: the other way round", wireBegin + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
		{"TE.TE: a second coding that one reader skips", wireBegin + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n"},
		{"TE.TE: the same twice", wireBegin + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"TE.TE: identity", wireBegin + "Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc"},
		{"TE.TE: xchunked", wireBegin + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
		{"TE.TE: vertical tab", wireBegin + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"},
		{"TE.0: Transfer-Encoding in HTTP/1.0", "POST /gatetest HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"CL.CL: two lengths", wireBegin + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
		{"CL.CL: the same twice", wireBegin + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"},
		{"CL.CL: a list of the same", wireBegin + "Content-Length: 2, 2\r\n\r\nab"},
		{"length that is negative", wireBegin + "Content-Length: -1\r\n\r\n"},
		{"length with a sign", wireBegin + "Content-Length: +1\r\n\r\na"},
		{"length in hexadecimal", wireBegin + "Content-Length: 0x1\r\n\r\na"},
		{"length beyond 64 bits", wireBegin + "Content-Length: 18446744073709551617\r\n\r\na"},
		{"obs-fold", get + "Host: HOST\r\nX: a\r\n b\r\n\r\n"},
		{"obs-fold of Transfer-Encoding", wireBegin + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"},
		{"space before the first field", get + " Host: HOST\r\n\r\n"},
		{"space before the colon", get + "Host: HOST\r\nX : a\r\n\r\n"},
		{"NUL in a name", get + "Host: HOST\r\nX\x00: a\r\n\r\n"},
		{"NUL in a value", get + "Host: HOST\r\nX: a\x00b\r\n\r\n"},
		{"no colon", get + "Host: HOST\r\nX\r\n\r\n"},
		{"LF alone in the header", get + "Host: HOST\nX: a\r\n\r\n"},
		{"LF alone behind the request line", "GET /gatetest HTTP/1.1\nHost: HOST\r\n\r\n"},
		{"LF alone at the end of the header", get + "Host: HOST\r\n\n"},
		{"CR alone in a value", get + "Host: HOST\r\nX: a\rb\r\n\r\n"},
		{"two Hosts", get + "Host: HOST\r\nHost: " + evil + "\r\n\r\n"},
		{"the same Host twice", get + "Host: HOST\r\nHost: HOST\r\n\r\n"},
		{"no Host", get + "\r\n"},
		{"absolute form of another host", "GET http://" + evil + "/gatetest HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		{"absolute form of ours, Host of another", "GET http://HOST/gatetest HTTP/1.1\r\nHost: " + evil + "\r\n\r\n"},
		{"target without a slash", "GET gatetest HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		{"two spaces in the request line", "GET  /gatetest HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		{"tab in the request line", "GET\t/gatetest HTTP/1.1\r\nHost: HOST\r\n\r\n"},
		{"HTTP/1.10", "GET /gatetest HTTP/1.10\r\nHost: HOST\r\n\r\n"},
		{"http in lower case", "GET /gatetest http/1.1\r\nHost: HOST\r\n\r\n"},
	}
}

// chunks are bodies whose end two readers see in two places (RFC 9112 section
// 7.1).
func chunks() []wireRow {
	return []wireRow{
		{"LF alone behind a chunk size", wireChunk + "3\nabc\r\n0\r\n\r\n"},
		{"LF alone in a chunk extension", wireChunk + "3;x\nabc\r\n0\r\n\r\n"},
		{"LF alone behind a chunk", wireChunk + "3\r\nabc\n0\r\n\r\n"},
		{"chunk longer than its size", wireChunk + "3\r\nabcd\r\n0\r\n\r\n"},
		{"two bytes behind a chunk that are no CRLF", wireChunk + "3\r\nabcXX0\r\n\r\n"},
		{"chunk size of nothing", wireChunk + "\r\nabc\r\n0\r\n\r\n"},
		{"chunk size with a sign", wireChunk + "+3\r\nabc\r\n0\r\n\r\n"},
		{"chunk size with 0x", wireChunk + "0x3\r\nabc\r\n0\r\n\r\n"},
		{"chunk size beyond 64 bits", wireChunk + "10000000000000003\r\nabc\r\n0\r\n\r\n"},
		{"body longer than its length", wireBegin + "Content-Length: 3\r\n\r\nabc{}"},
	}
}

// framingAttacks write each request alone: it must be refused as one that cannot
// be read, not answered for what it asks, and the connection must end.
func framingAttacks(s *suite) []Attack {
	rows := []Attack{{Name: "honest requests, one behind the other", Try: func(http.Handler) error {
		honest := s.wire(smuggled + strings.Replace(smuggled, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
		got, ended, err := s.converse(honest, func(int) bool { return true })
		if err == nil && (len(got) != 2 || !ended) {
			err = fmt.Errorf("%d answers, the connection ended: %v; want two and the end, or the other rows prove nothing\nsent     %q", len(got), ended, honest)
		}
		return err
	}}}
	for _, row := range framing() {
		rows = append(rows, Attack{Name: row.name, Try: func(http.Handler) error { return s.single(s.wire(row.raw), unreadable) }})
	}
	return rows
}

// unreadable tells whether a status is that of a request that cannot be read,
// and not an answer to what it asks.
func unreadable(status int) bool { return slices.Contains([]int{400, 411, 413, 501, 505}, status) }

// chunkAttacks write a request behind each body: it must not be answered for what
// it asks.
func chunkAttacks(s *suite) []Attack {
	var rows []Attack
	for _, row := range chunks() {
		rows = append(rows, Attack{Name: row.name, Try: func(http.Handler) error {
			return s.single(s.wire(row.raw+smuggled), func(int) bool { return true })
		}})
	}
	return rows
}

// headerFloods write headers without end.
func headerFloods(s *suite) []Attack {
	const size = 4 << 20
	full := func(status int) bool { return slices.Contains([]int{400, 414, 431}, status) }
	var rows []Attack
	for _, row := range []wireRow{
		{"field without end", "GET /gatetest HTTP/1.1\r\nHost: HOST\r\nX: " + strings.Repeat("a", size) + "\r\n\r\n"},
		{"fields without end", "GET /gatetest HTTP/1.1\r\nHost: HOST\r\n" + strings.Repeat("X: a\r\n", size/6) + "\r\n"},
		{"request line without end", "GET /" + strings.Repeat("a", size) + " HTTP/1.1\r\nHost: HOST\r\n\r\n"},
	} {
		rows = append(rows, Attack{Name: row.name, Try: func(http.Handler) error { return s.single(s.wire(row.raw), full) }})
	}
	return rows
}

// single wants one answer at most, of a status that is right, and the end of the
// connection.
func (s *suite) single(raw string, right func(status int) bool) error {
	got, ended, err := s.converse(raw, right)
	if len(got) == 2 && unreadable(got[1]) { // what stands behind the fault was refused for itself
		got = got[:1]
	}
	switch sent := "sent     " + brief(raw); {
	case err != nil:
		return err
	case len(got) > 1:
		return fmt.Errorf("%d answers %v, want one: what stands behind the fault was served\n%s", len(got), got, sent)
	case len(got) == 1 && !right(got[0]):
		return fmt.Errorf("answered %d: it was read as a request, want 400 and the end of the connection\n%s", got[0], sent)
	case !ended:
		return fmt.Errorf("answered %v, and the connection goes on for %s; want its end\n%s", got, s.Patience, sent)
	}
	return nil
}

// converse writes bytes to a connection and reads answers until it ends, or one
// is not right.
func (s *suite) converse(raw string, right func(status int) bool) (statuses []int, ended bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.Patience)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("gatetest: connecting to Target.Address: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(s.Patience))
	go func() { _, _ = io.WriteString(conn, raw) }() // a server may answer before it has read all
	from := bufio.NewReader(conn)
	for {
		response, err := http.ReadResponse(from, nil)
		if err != nil {
			return statuses, !errors.Is(err, os.ErrDeadlineExceeded), nil
		}
		if statuses = append(statuses, response.StatusCode); !right(response.StatusCode) {
			return statuses, false, nil
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return statuses, !errors.Is(err, os.ErrDeadlineExceeded), nil
		}
	}
}

func (s *suite) dial(ctx context.Context) (net.Conn, error) {
	if s.DialTLS == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", s.Address)
	}
	cfg := s.DialTLS.Clone()
	cfg.NextProtos = []string{"http/1.1"}
	return (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", s.Address)
}
