package tlsedge

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gatehouse-api/gatehouse/call"
)

const (
	begin   = "POST / HTTP/1.1\r\nHost: localhost\r\n"
	chunks  = begin + "Transfer-Encoding: chunked\r\n\r\n"
	another = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
)

// refusedOnTheConnection are bytes that two readers of HTTP could frame or route
// in two ways, and the fault that is told. In each of them net/http alone is
// silent, or refuses for a reason of its own.
var refusedOnTheConnection = []struct{ name, raw, fault string }{
	{"CL.TE: Transfer-Encoding beside Content-Length", begin + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", "Transfer-Encoding beside Content-Length"},
	{"TE.CL: the other way round", begin + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + another, "Transfer-Encoding beside Content-Length"},
	{"TE.CL with a length of nothing", begin + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding beside Content-Length"},
	{"TE.TE: a second coding that one reader skips", begin + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n", "two Host, Content-Length or Transfer-Encoding fields"},
	{"TE.TE: the same twice", begin + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "two Host, Content-Length or Transfer-Encoding fields"},
	{"TE.TE: a list", begin + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "a Transfer-Encoding other than chunked"},
	{"TE.TE: chunked, identity", begin + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "a Transfer-Encoding other than chunked"},
	{"TE.TE: identity", begin + "Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc", "a Transfer-Encoding other than chunked"},
	{"TE.TE: xchunked", begin + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "a Transfer-Encoding other than chunked"},
	{"TE.TE: vertical tab", begin + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", "a control character in a field"},
	{"TE.TE: quoted", begin + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "a Transfer-Encoding other than chunked"},
	{"TE.TE: empty", begin + "Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc", "a Transfer-Encoding other than chunked"},
	{"TE.0: Transfer-Encoding in HTTP/1.0, which net/http ignores", "POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding in HTTP/1.0"},
	{"CL.CL: two lengths", begin + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "two Host, Content-Length or Transfer-Encoding fields"},
	{"CL.CL: the same twice", begin + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", "two Host, Content-Length or Transfer-Encoding fields"},
	{"CL.CL: a list of the same", begin + "Content-Length: 2, 2\r\n\r\nab", "a Content-Length that is no number"},
	{"negative length", begin + "Content-Length: -1\r\n\r\n", "a Content-Length that is no number"},
	{"length with a sign", begin + "Content-Length: +1\r\n\r\na", "a Content-Length that is no number"},
	{"length in hexadecimal", begin + "Content-Length: 0x1\r\n\r\na", "a Content-Length that is no number"},
	{"length with a space inside", begin + "Content-Length: 1 0\r\n\r\na", "a Content-Length that is no number"},
	{"TE.TE: the Kelvin sign for a k", begin + "Transfer-Encoding: chun\u212aed\r\n\r\n0\r\n\r\n", "a Transfer-Encoding other than chunked"},
	{"length of nothing", begin + "Content-Length: \r\n\r\n", "a Content-Length that is no number"},
	{"length beyond 64 bits", begin + "Content-Length: 18446744073709551617\r\n\r\na", "a Content-Length that is no number"},
	{"length behind 300 zeros", begin + "Content-Length: " + strings.Repeat("0", 300) + "1\r\n\r\na", "a text that is too long"},

	{"obs-fold with a space", begin + "X: a\r\n b\r\n\r\n", "a folded line"},
	{"obs-fold with a tab", begin + "X: a\r\n\tb\r\n\r\n", "a folded line"},
	{"obs-fold of Transfer-Encoding", begin + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "a Transfer-Encoding other than chunked"},
	{"a space before the first field", "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n", "a folded line"},
	{"space before the colon", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", "a space before the colon"},
	{"tab before the colon", begin + "Content-Length\t: 3\r\n\r\nabc", "a space before the colon"},
	{"NUL in a name", begin + "Content-Length\x00: 3\r\n\r\nabc", "a field name that is no token"},
	{"no name", begin + ": x\r\n\r\n", "a field without a name"},
	{"no colon", begin + "Content-Length\r\n\r\n", "a field name that is no token"},
	{"NUL in a value", begin + "X: a\x00b\r\n\r\n", "a control character in a field"},
	{"DEL in a value", begin + "X: a\x7fb\r\n\r\n", "a control character in a field"},
	{"bare LF in the header", "GET / HTTP/1.1\r\nHost: localhost\nX: a\r\n\r\n", "a line that ends with LF alone"},
	{"bare LF behind the request line", "GET / HTTP/1.1\nHost: localhost\n\n", "a request line that does not end with a version and CRLF"},
	{"bare LF at the end of the header", "GET / HTTP/1.1\r\nHost: localhost\r\n\n", "a line that ends with LF alone"},
	{"bare CR in a value", begin + "X: a\rb\r\n\r\n", "a CR without LF"},
	{"bare CR that hides a field", begin + "X: a\rTransfer-Encoding: chunked\r\n\r\n", "a CR without LF"},
	{"CR CR LF", begin + "X: a\r\r\n\r\n", "a CR without LF"},
	{"bare CR at the end of the header", begin + "\rX", "a CR without LF"},

	{"two Hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", "two Host, Content-Length or Transfer-Encoding fields"},
	{"the same Host twice", "GET / HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n", "two Host, Content-Length or Transfer-Encoding fields"},
	{"absolute form of another host", "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target for another host than Host"},
	{"absolute form of ours, Host of another", "GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "a target for another host than Host"},
	{"absolute form with another port", "GET http://localhost:81/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target for another host than Host"},
	{"absolute form with user information", "GET http://localhost@evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "a target of no known form"},
	{"absolute form without a host", "GET http:///x HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"absolute form of another scheme", "GET file://localhost/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"a scheme without a host", "GET http:/x HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"the Kelvin sign for a k in Host", "GET http://kiosk/ HTTP/1.1\r\nHost: \u212aiosk\r\n\r\n", "a target for another host than Host"},
	{"a brace for a bracket in Host", "GET http://[::1]/ HTTP/1.1\r\nHost: {::1]\r\n\r\n", "a target for another host than Host"},
	{"a path that does not begin with a slash", "GET admin/x HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"an asterisk behind a letter", "OPTIONS x* HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"an asterisk behind a scheme", "GET http:* HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"an asterisk behind one slash", "GET http:/* HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"an asterisk in a host", "GET http://a* HTTP/1.1\r\nHost: a*\r\n\r\n", "a target of no known form"},
	{"a scheme that ends with the target", "GET http HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"CONNECT to nobody", "CONNECT  HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"CONNECT to one host, Host of another", "CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target for another host than Host"},
	{"CONNECT with a path", "CONNECT localhost/x HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"a target without a slash", "GET admin HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"an asterisk with a path", "OPTIONS */x HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target that does not end with one space"},
	{"space in the request line", "GET / x HTTP/1.1\r\nHost: localhost\r\n\r\n", "a request line that does not end with a version and CRLF"},
	{"two spaces in the request line", "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target of no known form"},
	{"tab in the request line", "GET\t/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "a method that is no token"},
	{"NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", "a target that does not end with one space"},
	{"a method of 300 letters", strings.Repeat("G", 300) + " / HTTP/1.1\r\nHost: localhost\r\n\r\n", "a text that is too long"},
	{"an empty line in front", "\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "no method"},
	{"HTTP/0.9", "GET /\r\n", "a target that does not end with one space"},
	{"HTTP/1.10", "GET / HTTP/1.10\r\nHost: localhost\r\n\r\n", "a request line that does not end with a version and CRLF"},
	{"http in lower case", "GET / http/1.1\r\nHost: localhost\r\n\r\n", "a request line that does not end with a version and CRLF"},
	{"the preface of HTTP/2, which net/http takes for a request", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2 where HTTP/1.1 was agreed"},
	{"TLS on a plain port", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", "no method"},
}

// startLogged serves one connection and tells what the server had to say.
func startLogged(t *testing.T, h http.Handler) (net.Conn, <-chan struct{}, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	client, closed := startPipe(t, ServerConfig{Handler: h, Log: slog.NewTextHandler(log, nil)})
	done := make(chan struct{})
	go func() { <-closed; close(done) }()
	return client, done, log
}

func TestRefusedOnTheConnection(t *testing.T) {
	for _, row := range refusedOnTheConnection {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				served := 0
				client, closed, log := startLogged(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
				go say(client, row.raw)
				answer, err := io.ReadAll(client)
				const want = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"
				if err != nil || string(answer) != want {
					t.Errorf("answered %q, %v; want %q", answer, err, want)
				}
				<-closed
				if served != 0 {
					t.Error("a handler saw the request")
				}
				if text := log.String(); !strings.Contains(text, "refused on the connection: "+row.fault) {
					t.Errorf("log %q; want the fault %q", text, row.fault)
				}
			})
		})
	}
}

// TestFaultsInABody: a handler that reads such a body finds an error, and
// nothing behind it is taken for a request.
func TestFaultsInABody(t *testing.T) {
	for _, row := range []struct{ name, raw, fault string }{
		{"bare LF behind a chunk size", chunks + "3\nabc\r\n0\r\n\r\n", "a chunk size that is no hexadecimal number"},
		{"bare CR behind a chunk size", chunks + "3\rXabc\r\n0\r\n\r\n", "a chunk that does not end with CRLF"},
		{"bare LF in a chunk extension", chunks + "3;x\nabc\r\n0\r\n\r\n", "a chunk extension that is too long or no text"},
		{"bare LF behind a chunk", chunks + "3\r\nabc\n0\r\n\r\n", "a chunk that does not end with CRLF"},
		{"a chunk longer than its size", chunks + "3\r\nabcd\r\n0\r\n\r\n", "a chunk that does not end with CRLF"},
		{"two bytes behind a chunk that are no CRLF (TERM.EXT)", chunks + "3\r\nabcXX0\r\n\r\n", "a chunk that does not end with CRLF"},
		{"CR and another byte behind a chunk", chunks + "3\r\nabc\rX0\r\n\r\n", "a chunk that does not end with CRLF"},
		{"a flood of white space behind a chunk size", chunks + "3" + strings.Repeat(" ", 4000) + "\r\nabc\r\n0\r\n\r\n", "a chunk size that is no hexadecimal number"},
		{"a flood of chunk extensions", chunks + "3;" + strings.Repeat("x", 4000) + "\r\nabc\r\n0\r\n\r\n", "a chunk extension that is too long or no text"},
		{"a flood of chunk extensions over many chunks", chunks + strings.Repeat("1;xxxxxxx\r\na\r\n", 20) + "0\r\n\r\n", "a chunk extension that is too long or no text"},
		{"a chunk size of nothing", chunks + "\r\nabc\r\n0\r\n\r\n", "a chunk size that is no hexadecimal number"},
		{"a chunk size of nothing with an extension", chunks + ";x\r\nabc\r\n0\r\n\r\n", "a chunk size that is no hexadecimal number"},
		{"a chunk size with a sign", chunks + "+3\r\nabc\r\n0\r\n\r\n", "a chunk size that is no hexadecimal number"},
		{"a chunk size with 0x", chunks + "0x3\r\nabc\r\n0\r\n\r\n", "a chunk size that is no hexadecimal number"},
		{"a chunk size beyond 64 bits", chunks + "10000000000000003\r\nabc\r\n0\r\n\r\n", "a chunk size that is too long"},
		{"a trailer", chunks + "0\r\nHost: evil.example\r\n\r\n", "a trailer"},
		{"a trailer by bare LF", chunks + "0\r\n\n", "a trailer"},
		{"a last line that does not end", chunks + "0\r\n\rX", "a chunk that does not end with CRLF"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				served := 0
				var fault error
				client, closed, log := startLogged(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					served++
					_, fault = io.ReadAll(r.Body)
					w.WriteHeader(http.StatusBadRequest)
				}))
				go say(client, row.raw+another)
				answers, err := io.ReadAll(client)
				<-closed
				if err != nil || strings.Count(string(answers), "HTTP/1.1 ") != 1 {
					t.Errorf("answered %q, %v; want one answer and the end", answers, err)
				}
				// net/http has words of its own for what is wrong behind the last chunk.
				if trailing := strings.HasPrefix(row.raw, chunks+"0\r\n"); served != 1 || fault == nil || !trailing && !errors.Is(fault, errFraming) {
					t.Errorf("%d requests, the body %v; want one with an error", served, fault)
				}
				if text := log.String(); !strings.Contains(text, "refused on the connection: "+row.fault) {
					t.Errorf("log %q; want the fault %q", text, row.fault)
				}
			})
		})
	}
}

// TestPipelinedSmuggling: what stands before the fault is answered in its turn,
// and what stands behind it is never served.
func TestPipelinedSmuggling(t *testing.T) {
	for _, row := range []struct{ name, raw, want string }{
		{"a faulty request between two", another + "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n" + another, "200 400"},
		{"a request in the body of a CL.TE", begin + "Content-Length: " + strconv.Itoa(5+len(another)) + "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + another, "400"},
		{"empty lines behind a POST, which net/http skips", begin + "Content-Length: 3\r\n\r\nabc\r\n\r\n" + another, "200 400"},
		{"a body longer than its length", begin + "Content-Length: 3\r\n\r\nabc{}" + another, "200 400"},
		{"behind a last chunk", chunks + "0\r\n\r\nX" + another, "200 404"},
		{"three that are honest", another + begin + "Content-Length: 3\r\n\r\nabc" + chunks + "1;a=\"b\"\r\na\r\n00\r\n\r\n", "200 200 200"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _, _ := startLogged(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == "XGET" {
						w.WriteHeader(http.StatusNotFound) // an unknown method is an honest request
					}
				}))
				go say(client, row.raw)
				from := bufio.NewReader(client)
				var got []string
				for range strings.Fields(row.want) {
					answer, err := http.ReadResponse(from, nil)
					if err != nil {
						t.Fatalf("answered %v, then %v", got, err)
					}
					_, _ = io.Copy(io.Discard, answer.Body)
					got = append(got, strconv.Itoa(answer.StatusCode))
				}
				if strings.Join(got, " ") != row.want {
					t.Errorf("answered %v; want %s", got, row.want)
				}
			})
		})
	}
}

// TestAnswersOfNetHTTP keeps the list in doc.go true: these requests pass the
// reader, and net/http answers them before any handler does.
func TestAnswersOfNetHTTP(t *testing.T) {
	layer, err := New(Config{InsecurePlain: true})
	if err != nil {
		t.Fatal(err)
	}
	handler := layer(call.Handler(func(w http.ResponseWriter, r *http.Request, _ *call.Call) error {
		return call.NoContent(w, r)
	}))
	long := strings.Repeat("x", DefaultMaxHeaderBytes+4096)
	for _, row := range []struct {
		name, raw string
		want      int
		ours      bool
	}{
		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400, false},
		{"Host with a slash", "GET / HTTP/1.1\r\nHost: localhost/evil\r\n\r\n", 400, false},
		{"a bad escape in the path", "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, false},
		{"a method that is a token of nobody's is a handler's", "FROB / HTTP/1.1\r\nHost: localhost\r\n\r\n", 204, true},
		{"an expectation", begin + "Expect: coffee\r\n\r\n", 417, false},
		{"a header line above the limit", "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + long + "\r\n\r\n", 431, false},
		{"a target above the limit", "GET /" + long + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 431, false},
		{"very many header lines", "GET / HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X: a\r\n", 5000) + "\r\n", 431, false},
		{"HTTP/0.9 by its number, with a coding", "POST / HTTP/0.9\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 505, false},
		{"HTTP/3.0 on a TCP connection", "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 505, false},

		{"absolute form of another host, and Host too", "GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, true},
		{"absolute form of ours", "GET HTTP://LocalHost:8001?q HTTP/1.1\r\nHost: localhost:8001\r\n\r\n", 204, true},
		{"absolute form of https, in the clear", "GET https://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 421, true},
		{"HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", 421, true},
		{"HTTP/1.0 with a foreign host", "GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n", 421, true},
		{"OPTIONS * is a handler's", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 204, true},
		{"bytes beyond ASCII in a value", "GET / HTTP/1.1\r\nHost: localhost\r\nX: \xc3\xa9\tb \r\n\r\n", 204, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, closed, log := startLogged(t, handler)
				go say(client, row.raw)
				answer, err := http.ReadResponse(bufio.NewReader(client), nil)
				if err != nil {
					t.Fatal(err)
				}
				if answer.StatusCode != row.want {
					t.Errorf("%d; want %d", answer.StatusCode, row.want)
				}
				if reached := answer.Header.Get("X-Request-Id") != "" || answer.StatusCode == 204 || answer.Header.Get("Content-Type") == "application/problem+json"; reached != row.ours {
					t.Errorf("a handler answered: %v; want %v", reached, row.ours)
				}
				client.Close()
				<-closed
				if log.Len() != 0 {
					t.Errorf("the reader refused it: %s", log.String())
				}
			})
		})
	}
}
