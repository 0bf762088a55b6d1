package tlsedge

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestForeignHosts: each Host below reached a server of ours and is not ours.
func TestForeignHosts(t *testing.T) {
	named := Config{Hosts: []string{"api.example.org", "192.0.2.7", "[2001:db8::7]"}, InsecurePlain: true}
	loopback := Config{InsecurePlain: true}
	for _, row := range []struct {
		name string
		cfg  Config
		host string
	}{
		{"another site's name (cache poisoning)", named, "evil.example"},
		{"DNS rebinding: a name of the attacker's that points to 127.0.0.1", loopback, "rebind.evil.example:8001"},
		{"DNS rebinding: the address inside a name", loopback, "127.0.0.1.nip.io"},
		{"loopback name on a server that has names", named, "localhost"},
		{"our name in front of another", named, "api.example.org.evil.example"},
		{"our name behind another", named, "evil-api.example.org"},
		{"a name below ours", named, "x.api.example.org"},
		{"our name as user information", named, "api.example.org@evil.example"},
		{"two ports", named, "api.example.org:80:evil.example"},
		{"a port that is no number", named, "api.example.org:evil"},
		{"a negative port", named, "api.example.org:-1"},
		{"IPv4 in brackets", named, "[192.0.2.7]"},
		{"a port too long", named, "api.example.org:000443"},
		{"two final dots", named, "api.example.org.."},
		{"only a dot", named, "."},
		{"no host (HTTP/1.0)", named, ""},
		{"only a port", named, ":443"},
		{"our name with a path", named, "api.example.org/.evil.example"},
		{"two hosts in one field", named, "api.example.org, evil.example"},
		{"a space behind", named, "api.example.org "},
		{"loopback as a decimal number", loopback, "2130706433"},
		{"loopback as a short address", loopback, "127.1"},
		{"another loopback address", loopback, "127.0.0.2"},
		{"the unspecified address", loopback, "0.0.0.0:8001"},
		{"IPv4 loopback mapped into IPv6", loopback, "[::ffff:127.0.0.1]"},
		{"IPv6 without brackets", named, "2001:db8::7"},
		{"IPv6 bracket left open", named, "[2001:db8::7"},
		{"IPv6 with a zone", named, "[2001:db8::7%25eth0]"},
		{"IPv6 with a tail", named, "[2001:db8::7].evil.example"},
		{"IPv6 brackets around a name", named, "[api.example.org]"},
		{"Kelvin sign for k", Config{Hosts: []string{"kiosk.example"}, InsecurePlain: true}, "\u212aiosk.example"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Host = row.host
			r.Header.Set("X-Forwarded-Host", "api.example.org")
			w := serve(t, row.cfg, r)
			if w.Code != http.StatusMisdirectedRequest {
				t.Errorf("Host %q: %d; want 421", row.host, w.Code)
			}
			if row.host != "" && len(row.host) > 3 && strings.Contains(w.Body.String(), row.host) {
				t.Error("the refusal quotes the host")
			}
		})
	}
}

// TestClaimsOfEncryption: nobody but a declared proxy may say that a request
// travelled encrypted.
func TestClaimsOfEncryption(t *testing.T) {
	proxy := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32")}
	for _, row := range []struct {
		name, peer string
		header     http.Header
		want       int
	}{
		{"plain from a stranger", "203.0.113.9:1", nil, 403},
		{"X-Forwarded-Proto of a stranger", "203.0.113.9:1", http.Header{"X-Forwarded-Proto": {"https"}}, 403},
		{"X-Forwarded-Proto of a stranger at a proxy that says http", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https, http"}}, 403},
		{"the same in two fields", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https", "http"}}, 403},
		{"other words for it", "10.0.0.1:1", http.Header{"X-Forwarded-Ssl": {"on"}, "Front-End-Https": {"on"}, "X-Forwarded-Scheme": {"https"}}, 403},
		{"a proxy that says nothing", "10.0.0.1:1", nil, 403},
		{"a proxy that says httpsx", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"httpsx"}}, 403},
		{"a proxy on this machine that says http", "127.0.0.1:1", http.Header{"X-Forwarded-Proto": {"http"}}, 403},
		{"a proxy on this machine that passes somebody on", "127.0.0.1:1", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, 403},
		{"the same by RFC 7239, undeclared", "[::1]:1", http.Header{"Forwarded": {"for=203.0.113.9"}}, 403},
		{"Forwarded of a stranger", "203.0.113.9:1", http.Header{"Forwarded": {"proto=https"}}, 403},
		{"Forwarded of a stranger at a proxy that says http", "10.0.0.1:1", http.Header{"Forwarded": {"for=203.0.113.9;proto=https, for=10.0.0.2;proto=http"}}, 403},
		{"the same in two Forwarded fields", "10.0.0.1:1", http.Header{"Forwarded": {"proto=https", "proto=http"}}, 403},
		{"a proxy whose Forwarded does not say", "10.0.0.1:1", http.Header{"Forwarded": {"proto=https, for=203.0.113.9"}}, 403},
		{"a client's X-Forwarded-Proto through a proxy that writes Forwarded", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https"}, "Forwarded": {"for=203.0.113.9;proto=http"}}, 403},
		{"a client's Forwarded through a proxy that writes X-Forwarded-Proto", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"http"}, "Forwarded": {"proto=https"}}, 403},
		{"a client's X-Forwarded-Proto through a proxy whose Forwarded does not say", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https"}, "Forwarded": {"for=203.0.113.9"}}, 403},
		{"a peer without an address", "@", nil, 403},

		{"declared proxy, https", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https"}}, 200},
		{"declared proxy, HTTPS behind another", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"http, HTTPS"}}, 200},
		{"declared proxy, Forwarded", "10.0.0.1:1", http.Header{"Forwarded": {"for=203.0.113.9;proto=http, for=10.0.0.2;proto=HTTPS"}}, 200},
		{"declared proxy, both", "10.0.0.1:1", http.Header{"X-Forwarded-Proto": {"https"}, "Forwarded": {"for=203.0.113.9;proto=https"}}, 200},
		{"this machine", "127.0.0.1:1", nil, 200},
		{"this machine, IPv6", "[::1]:1", nil, 200},
		{"this machine, IPv4 in IPv6", "[::ffff:127.0.0.1]:1", nil, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://localhost/", nil)
			r.RemoteAddr = row.peer
			if row.header != nil {
				r.Header = row.header
			}
			if w := serve(t, Config{Proxies: proxy}, r); w.Code != row.want {
				t.Errorf("%d; want %d", w.Code, row.want)
			}
		})
	}
}

// TestHandshakes: what a client may offer, on a real connection.
func TestHandshakes(t *testing.T) {
	addr := startTLS(t, writePair(t, certificate{names: []string{"localhost"}}), writePair(t, certificate{names: []string{"localhost"}, rsa: true}))
	const oldVersion, noSuite = "protocol version not supported", "handshake failure"
	for _, row := range []struct {
		name   string
		client *tls.Config
		fault  string // what the server says: the alert of RFC 8446 §6
	}{
		{"TLS 1.0", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, oldVersion},
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, oldVersion},
		{"CBC with SHA-1 (Lucky 13), ECDSA", only(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA), noSuite},
		{"CBC with SHA-1 (Lucky 13), RSA", only(tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA), noSuite},
		{"CBC with SHA-256", only(tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256), noSuite},
		{"RSA key exchange: no forward secrecy", only(tls.TLS_RSA_WITH_AES_128_GCM_SHA256), noSuite},
		{"RC4", only(tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA), noSuite},
		{"triple DES (Sweet32)", only(tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA), noSuite},

		{"TLS 1.2, ECDSA and AES-GCM", only(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), ""},
		{"TLS 1.2, RSA and AES-GCM", only(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), ""},
		{"TLS 1.2, ECDSA and AES-256-GCM", only(tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384), ""},
		{"TLS 1.2, RSA and AES-256-GCM", only(tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384), ""},
		{"TLS 1.2, ECDSA and ChaCha20", only(tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256), ""},
		{"TLS 1.2, RSA and ChaCha20", only(tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256), ""},
		{"TLS 1.3", &tls.Config{MinVersion: tls.VersionTLS13}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.client.InsecureSkipVerify = true // the chain is not what is tried here
			conn, err := tls.Dial("tcp", addr, row.client)
			if err == nil {
				conn.Close()
			}
			if (err == nil) != (row.fault == "") || err != nil && !strings.Contains(err.Error(), row.fault) {
				t.Errorf("handshake: %v; want %q", err, row.fault)
			}
		})
	}
}

func only(suite uint16) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}}
}

// TestSlowClients: each client does one thing too slowly and is closed at the
// documented time, to the second, on a fake clock.
func TestSlowClients(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: localhost\r\n"
	const pathForm = "\x82\x87\x84\x41\x09localhost" // GET, https, /, :authority (RFC 7541 appendix A)
	headers := func(stream uint32, flags byte, block string) string {
		return string(frame(1, flags, stream, []byte(block)))
	}
	for _, row := range []struct {
		name  string
		tls   bool
		deaf  bool
		talk  func(net.Conn)
		after time.Duration
	}{
		{"sends nothing", false, false, func(net.Conn) {}, 5 * time.Second},
		{"never shakes hands", true, false, func(net.Conn) {}, 5 * time.Second},
		{"half a request line", false, false, func(c net.Conn) { say(c, "GE") }, 5 * time.Second},
		{"one header byte a second (slowloris)", false, false, func(c net.Conn) {
			say(c, request)
			drip(c, "x")
		}, 5 * time.Second},
		{"one body byte a second (R.U.D.Y.)", false, false, func(c net.Conn) {
			say(c, "POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
			drip(c, "x")
		}, 30 * time.Second},
		{"does not read the answer", false, true, func(c net.Conn) { say(c, "GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n") }, 30 * time.Second},
		{"keeps the connection and is silent", false, false, func(c net.Conn) {
			say(c, request+"\r\n")
		}, 60 * time.Second},

		{"HTTP/2: no preface", true, false, overHTTP2(func(net.Conn) {}), 5 * time.Second},
		{"HTTP/2: one byte of the preface a second", true, false, overHTTP2(func(c net.Conn) {
			for _, b := range []byte(http2Preface) {
				say(c, string(b))
				<-time.After(time.Second)
			}
		}), 5 * time.Second},
		{"HTTP/2: half the head of a frame", true, false, overHTTP2(func(c net.Conn) { say(c, hello2+headers(1, 5, pathForm)[:5]) }), 5 * time.Second},
		{"HTTP/2: half a HEADERS frame", true, false, overHTTP2(func(c net.Conn) { say(c, hello2+headers(1, 5, pathForm)[:12]) }), 5 * time.Second},
		{"HTTP/2: HEADERS that nothing continues", true, false, overHTTP2(func(c net.Conn) { say(c, hello2+headers(1, 1, pathForm)) }), 5 * time.Second},
		{"HTTP/2: one byte of CONTINUATION a second (slowloris)", true, false, overHTTP2(func(c net.Conn) {
			say(c, hello2+headers(1, 1, pathForm))
			drip(c, string(frame(9, 0, 1, []byte("\x00"))))
		}), 5 * time.Second},
		{"HTTP/2: one byte of SETTINGS a second", true, false, overHTTP2(func(c net.Conn) {
			say(c, hello2+string(frame(4, 0, 0, make([]byte, 600)))[:9])
			drip(c, "\x00")
		}), 5 * time.Second},
		{"HTTP/2: a second header that stops, behind an honest request", true, false, overHTTP2(func(c net.Conn) {
			say(c, hello2+headers(1, 5, pathForm))
			<-time.After(20 * time.Second)
			say(c, headers(3, 1, pathForm))
		}), 25 * time.Second},
		{"HTTP/2: one byte of DATA a second (R.U.D.Y.)", true, false, overHTTP2(func(c net.Conn) {
			say(c, hello2+headers(1, 4, "\x83\x87\x04\x05/read\x41\x09localhost")+string(frame(0, 1, 1, make([]byte, 1000)))[:9])
			drip(c, "x")
		}), 30 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := ServerConfig{Handler: http.HandlerFunc(slowTarget)}
				if row.tls {
					pair := newCertificate(t, certificate{names: []string{"localhost"}, from: time.Now().Add(-time.Hour)})
					cfg.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil }
				}
				client, closed := startPipe(t, cfg)
				begin := time.Now()
				var talking sync.WaitGroup
				talking.Go(func() { row.talk(client) })
				if !row.deaf && !strings.HasPrefix(row.name, "HTTP/2") {
					go io.Copy(io.Discard, client)
				}
				if took := (<-closed).Sub(begin); took < row.after || took > row.after+time.Second {
					t.Errorf("closed after %s; want %s", took, row.after)
				}
				client.Close()
				talking.Wait()
			})
		})
	}
}

// hello2 is what a client of HTTP/2 sends first.
var hello2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + string(frame(4, 0, 0, nil))

// drip sends a text each second until nobody reads it.
func drip(c net.Conn, text string) {
	for range 60 {
		<-time.After(time.Second)
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
	}
}

// overHTTP2 talks behind a handshake that agrees on HTTP/2, and reads what comes.
func overHTTP2(talk func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		conn := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		if conn.Handshake() == nil {
			go io.Copy(io.Discard, conn)
			talk(conn)
		}
	}
}

func slowTarget(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/read":
		_, _ = io.Copy(io.Discard, r.Body)
	case "/long":
		_, _ = w.Write(make([]byte, 1<<20))
	}
}

func say(c net.Conn, s string) { _, _ = io.WriteString(c, s) }

// TestConnectionFlood: one address takes all it may have and more.
func TestConnectionFlood(t *testing.T) {
	l := newFakeListener()
	capped, err := Limit(l, Caps{Total: 5, PerAddress: 3, Refused: func(a netip.Addr) { l.refused = append(l.refused, a.String()) }})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		l.offer("203.0.113.9:1")
	}
	l.offer("198.51.100.1:1", "198.51.100.2:1", "198.51.100.3:1")
	l.end()
	var served []string
	for {
		conn, err := capped.Accept()
		if err != nil {
			break
		}
		served = append(served, addressOf(conn).String())
	}
	want := "203.0.113.9 203.0.113.9 203.0.113.9 198.51.100.1 198.51.100.2"
	if got := strings.Join(served, " "); got != want {
		t.Errorf("served %s; want %s", got, want)
	}
	if len(l.refused) != 8 || l.refused[7] != "198.51.100.3" {
		t.Errorf("refused %v; want seven of the flood and one above the total", l.refused)
	}
	if l.open() != 5 {
		t.Errorf("%d connections are open; want 5: what is refused is closed", l.open())
	}
}
