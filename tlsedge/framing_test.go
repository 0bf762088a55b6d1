package tlsedge

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// read scans raw in pieces of the sizes that next gives, and returns what may be
// passed on, where messages ended, and the fault.
func read(raw []byte, next func() int) (good int, ends []int, fault string) {
	var f framing
	for good < len(raw) {
		end := min(good+max(next(), 1), len(raw))
		n := f.scan(raw[good:end])
		good += n
		if f.fault != "" {
			return good, ends, f.fault
		}
		if f.state == atStart {
			ends = append(ends, good)
		}
	}
	return good, ends, ""
}

func byOne() int { return 1 }

// TestPiecesDoNotMatter: however the network cuts the bytes, the verdict and
// what is passed on are the same.
func TestPiecesDoNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, row := range refusedOnTheConnection {
		raw := []byte(another + chunks + "a;x=y\r\n0123456789\r\n0\r\n\r\n" + row.raw)
		good, _, fault := read(raw, byOne)
		if fault != row.fault {
			t.Errorf("%s: fault %q; want %q", row.name, fault, row.fault)
		}
		for range 20 {
			g, _, f := read(raw, func() int { return random.IntN(40) })
			if f != fault || g != good {
				t.Errorf("%s: %d bytes, fault %q; by one %d and %q", row.name, g, f, good, fault)
			}
		}
		if g, _, f := read(raw, func() int { return len(raw) }); f != fault || g != good {
			t.Errorf("%s: %d bytes, fault %q at once; by one %d and %q", row.name, g, f, good, fault)
		}
	}
}

func TestWhereMessagesEnd(t *testing.T) {
	first := another
	second := begin + "content-length:  0003 \r\nX-Content-Length: 9\r\nHos: x\r\nHostt: x\r\n\r\nabc"
	third := begin + "TRANSFER-ENCODING:chunked \r\nExpect: 100-continue\r\n\r\n0A;n=\"v;\"\r\n0123456789\r\n1\r\n\n\r\n000\r\n\r\n"
	fourth := "HEAD https://[2001:db8::7]:8443/a?b HTTP/1.0\r\n\r\n"
	fifth := "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\nContent-Length: 0\r\n\r\n"
	_, ends, fault := read([]byte(first+second+third+fourth+fifth), byOne)
	want := []int{len(first), len(second), len(third), len(fourth), len(fifth)}
	if fault != "" || len(ends) != len(want) {
		t.Fatalf("messages end at %v, fault %q; want %d messages", ends, fault, len(want))
	}
	sum := 0
	for i := range want {
		if sum += want[i]; ends[i] != sum {
			t.Errorf("message %d ends at %d; want %d", i, ends[i], sum)
		}
	}
}

// FuzzFraming: what the scanner passes on, net/http refuses or frames in the same
// way; and the pieces do not matter.
func FuzzFraming(f *testing.F) {
	for _, row := range refusedOnTheConnection {
		f.Add([]byte(row.raw), 7)
	}
	for _, raw := range []string{
		another + begin + "Content-Length: 3\r\n\r\nabc" + chunks + "3;x\r\nabc\r\n0\r\n\r\n" + another,
		chunks + "3\r\nabc\r\n0\r\nX: y\r\n\r\n", chunks + "3\nabc\r\n0\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
		"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
	} {
		f.Add([]byte(raw), 3)
	}
	f.Fuzz(func(t *testing.T, raw []byte, piece int) {
		good, ends, fault := read(raw, byOne)
		if g, _, other := read(raw, func() int { return piece & 63 }); g != good || other != fault {
			t.Fatalf("in pieces %d bytes and %q, by one %d and %q", g, other, good, fault)
		}
		source := bytes.NewReader(raw[:good])
		from := bufio.NewReader(source)
		for _, end := range ends {
			r, err := http.ReadRequest(from)
			if err != nil {
				return // refused by net/http: then it reads no further
			}
			if r.ProtoMajor != 1 {
				return // 505, and the connection ends
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			if at := good - source.Len() - from.Buffered(); at != end {
				t.Fatalf("a message ends at %d for net/http, at %d for us: %q", at, end, raw[:good])
			}
			if host := r.URL.Host; host != "" && r.Header.Get("Host") != "" {
				t.Fatalf("Host is left in the header beside %q", host)
			}
		}
		if len(ends) > 0 && len(raw) == good && ends[len(ends)-1] == len(raw) {
			if _, err := http.ReadRequest(from); err != io.EOF {
				t.Fatalf("net/http finds more than we do: %v", err)
			}
		}
	})
}

var usual = []byte("GET /api/appointments/17?day=monday HTTP/1.1\r\nHost: api.example.org\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: application/json\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Authorization: Bearer " + strings.Repeat("x", 300) + "\r\nConnection: keep-alive\r\n\r\n")

func BenchmarkFramingGET(b *testing.B) {
	var f framing
	b.SetBytes(int64(len(usual)))
	b.ReportAllocs()
	for b.Loop() {
		if f.scan(usual) != len(usual) || f.state != atStart {
			b.Fatal(f.fault)
		}
	}
}

func BenchmarkFramingBody1MiB(b *testing.B) {
	raw := append([]byte(begin+"Content-Length: 1048576\r\n\r\n"), make([]byte, 1<<20)...)
	var f framing
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		for rest := raw; len(rest) > 0; {
			piece := rest[:min(4096, len(rest))]
			if f.scan(piece) != len(piece) {
				b.Fatal(f.fault)
			}
			rest = rest[len(piece):]
		}
	}
}

func TestScanningAllocatesNothing(t *testing.T) {
	raw := []byte(another + begin + "Content-Length: 3\r\n\r\nabc" + chunks + "3;x\r\nabc\r\n0\r\n\r\n" + "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
	f := new(framing)
	if n := testing.AllocsPerRun(100, func() {
		if f.scan(raw) != len(raw) {
			t.Fatal(f.fault)
		}
	}); n != 0 {
		t.Errorf("%v allocations; want none", n)
	}
}
