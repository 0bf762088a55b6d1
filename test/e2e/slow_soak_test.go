//go:build soak

package e2e

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The times of the server in TestSoakSlowClients, shorter than in production.
const (
	slowHeader = 2 * time.Second
	slowRead   = 4 * time.Second
	slowWrite  = 6 * time.Second
	slowGrace  = 3 * time.Second // two cores also run the 900 clients
	slowLook   = 300 * time.Millisecond
)

// TestSoakSlowClients: 300 clients of each kind are closed within the times of the
// settings, and others are served meanwhile.
func TestSoakSlowClients(t *testing.T) {
	dir := t.TempDir()
	settings := fmt.Sprintf("limits: { own: 100000000/15m, members: 100000000/15m }\nconcurrency: { per_principal: 1000 }\n"+
		"server: { timeouts: { header: %s, read: %s, write: %s } }\n", slowHeader, slowRead, slowWrite)
	p := serve(t, dir, fmt.Sprintf("version: 1\nenvironment: test\ndata: %s\nscheduler: { seed: test }\n", filepath.Join(dir, "data"))+settings)
	u, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	plain := net.JoinHostPort("127.0.0.1", u.Port())
	_, encrypted := startScanned(t, settings)
	if u, err = url.Parse("https://" + encrypted); err != nil {
		t.Fatal(err)
	}
	encrypted = net.JoinHostPort("127.0.0.1", u.Port())
	stop := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() { p.servedUntil(stop) })

	const get = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
	table := &kernelTable{}
	const hello2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00" // and SETTINGS
	const open2 = "\x00\x00\x03\x01\x00\x00\x00\x00\x01\x82\x87\x84"                      // HEADERS that do not end
	const more2 = "\x00\x00\x01\x09\x00\x00\x00\x00\x01\x00"                              // CONTINUATION of one byte
	// Handshakes are dear, so those who need one come when the others have gone.
	for _, together := range [][]slowKind{{
		{"slow headers", plain, "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ", "x", slowHeader, table},
		{"slow body", plain, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n", "x", slowRead, table},
		{"slow read", plain, strings.Repeat(get, 200), "", slowWrite, table},
	}, {
		{"HTTP/2, slow headers", encrypted, hello2 + open2, more2, slowHeader, table},
	}, {
		{"HTTP/2, no preface", encrypted, "", "", slowHeader, table},
	}} {
		slowAtOnce(t, together)
	}
	close(stop)
	others.Wait()
}

// slowAtOnce has 300 clients of each kind.
func slowAtOnce(t *testing.T, kinds []slowKind) {
	var clients sync.WaitGroup
	for k, kind := range kinds {
		for i := range 300 {
			from := net.IPv4(127, 0, byte(10+k), byte(1+i/100)) // an address holds 256 connections at most
			clients.Go(func() {
				if err := kind.run(from); err != nil {
					t.Errorf("%s, client %d: %v", kind.name, i, err)
				}
			})
		}
	}
	clients.Wait()
}

type slowKind struct {
	name  string
	addr  string
	first string        // sent at once
	more  string        // sent each 300 ms
	limit time.Duration // when the server hangs up
	table *kernelTable
}

// run is one slow client: it sends its first words and then a little each 300 ms.
// One that does not read looks only when the time is over whether the server is
// still there.
func (k slowKind) run(from net.IP) error {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: 10 * time.Second, Control: smallWindow}
	conn, err := d.Dial("tcp", k.addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if strings.HasPrefix(k.name, "HTTP/2") {
		secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		if err := secure.Handshake(); err != nil {
			return err
		}
		conn = secure
	}
	begin := time.Now() // on a busy machine later than the server's
	if k.name == "slow read" {
		return k.deaf(conn.(*net.TCPConn))
	}
	if _, err := io.WriteString(conn, k.first); err != nil {
		return err
	}
	ended := make(chan time.Duration, 1)
	go func() {
		_, _ = io.Copy(io.Discard, conn)
		ended <- time.Since(begin)
	}()
	for {
		select {
		case took := <-ended:
			if took < k.limit-time.Second || took > k.limit+slowGrace {
				return fmt.Errorf("closed after %s; want %s", took, k.limit)
			}
			return nil
		case <-time.After(slowLook):
			_, _ = io.WriteString(conn, k.more) // the reader tells when this fails
		}
		if time.Since(begin) > k.limit+2*slowGrace {
			return errors.New("still open")
		}
	}
}

// smallWindow keeps the kernel from taking answers that nobody reads.
func smallWindow(_, _ string, c syscall.RawConn) error {
	var err error
	return errors.Join(c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) }), err)
}

// deaf never reads. What the server wrote before it hung up is still in its
// kernel, so the client cannot see the end: the kernel's table of connections
// can. The time begins anew with each answer, and the kernel takes some megabytes
// of them before one waits: since the queue last grew the server may hold on for
// the time of one answer.
func (k slowKind) deaf(conn *net.TCPConn) error {
	begin := time.Now()
	_ = conn.SetWriteDeadline(begin.Add(k.limit))
	_, _ = io.WriteString(conn, k.first) // the server stops reading when it can no longer answer
	ours, theirs := conn.LocalAddr().(*net.TCPAddr), conn.RemoteAddr().(*net.TCPAddr)
	grew, queued := begin, int64(-1)
	for {
		<-time.After(slowLook)
		open, now, err := k.table.look(theirs, ours)
		switch whole, waited := time.Since(begin), time.Since(grew); {
		case err != nil:
			return err
		case !open && whole < k.limit-time.Second:
			return fmt.Errorf("closed %s after it came; want %s at least", whole, k.limit)
		case waited > k.limit+slowGrace:
			return fmt.Errorf("open: %v, %s after the last answer that the kernel took; want closed after %s", open, waited, k.limit)
		case !open:
			return nil
		}
		if now > queued {
			grew, queued = time.Now(), now
		}
	}
}

// kernelTable is what Linux says of the ends of connections: read once for all
// who look at about the same time, because it is long.
type kernelTable struct {
	mu   sync.Mutex
	read time.Time
	rows map[string]int64 // bytes that wait to be sent, by the two addresses of an open end
}

// look tells whether the end of a connection at local is open, and how many bytes
// wait there.
func (k *kernelTable) look(local, remote *net.TCPAddr) (open bool, queued int64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.read) > slowLook/2 {
		b, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			return false, 0, err
		}
		k.rows, k.read = map[string]int64{}, time.Now()
		for line := range strings.Lines(string(b)) {
			const established = "01"
			if f := strings.Fields(line); len(f) > 4 && f[3] == established {
				waiting, _, _ := strings.Cut(f[4], ":")
				n, err := strconv.ParseInt(waiting, 16, 64)
				if err != nil {
					return false, 0, err
				}
				k.rows[f[1]+" "+f[2]] = n
			}
		}
	}
	queued, open = k.rows[kernelAddr(local)+" "+kernelAddr(remote)]
	return open, queued, nil
}

func kernelAddr(a *net.TCPAddr) string {
	ip := a.IP.To4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], a.Port)
}

// servedUntil asks again and again; nobody has to wait long.
func (p *program) servedUntil(stop <-chan struct{}) {
	client := &http.Client{Timeout: 20 * time.Second}
	served, slowest := 0, time.Duration(0)
	for {
		select {
		case <-stop:
			p.t.Logf("%d others were served meanwhile, the slowest in %s", served, slowest)
			if served < 50 {
				p.t.Errorf("only %d others were served", served)
			}
			return
		case <-time.After(20 * time.Millisecond):
		}
		begin := time.Now()
		a, err := p.try(request{path: "/livez", client: client})
		if err != nil || a.status != http.StatusOK {
			p.t.Errorf("meanwhile: %d, %v", a.status, err)
			continue
		}
		served++
		slowest = max(slowest, time.Since(begin))
	}
}
