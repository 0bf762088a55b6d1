package gatetest_test

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"unicode/utf8"
)

// live is a WebSocket with all that RFC 6455 and the contract ask for, but for
// the one rule that lax names.
func (b bookshop) live(w http.ResponseWriter, r *http.Request) {
	if status := b.handshake(r); status != 0 {
		w.Header().Set("Sec-WebSocket-Version", "13")
		w.WriteHeader(status)
		return
	}
	conn, both, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	accept := base64.StdEncoding.EncodeToString(sum[:])
	if b.lax == "accept" {
		accept = "AAAA"
	}
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept)
	p := peer{lax: b.lax, from: both.Reader, to: conn}
	for p.step() == nil {
	}
}

func (b bookshop) handshake(r *http.Request) int {
	keys := r.Header.Values("Sec-WebSocket-Key")
	nonce := []byte(nil)
	if len(keys) > 0 {
		nonce, _ = base64.StdEncoding.DecodeString(keys[0])
	}
	origins := r.Header.Values("Origin")
	foreign := len(origins) > 0 && origins[0] != "http://"+r.Host
	if u, err := url.Parse(origins0(origins)); err == nil && b.lax == "origin: port" && u.Hostname() == r.Host {
		foreign = false
	}
	if b.lax == "origin" || b.lax == "origin: empty" && origins0(origins) == "" || b.lax == "origin: null" && origins0(origins) == "null" {
		foreign = false
	}
	switch {
	case r.ProtoMinor < 1 && b.lax != "HTTP/1.0":
		return http.StatusBadRequest
	case r.Header.Get("Sec-WebSocket-Version") != "13" && b.lax != "version":
		return http.StatusUpgradeRequired
	case len(keys) == 0 && b.lax != "no key", len(keys) > 1 && b.lax != "two keys", len(keys) == 1 && len(nonce) != 16 && b.lax != "short key":
		return http.StatusBadRequest
	case foreign:
		return http.StatusForbidden
	}
	return 0
}

func origins0(origins []string) string {
	if len(origins) == 0 {
		return "none"
	}
	return origins[0]
}

// peer reads the frames of one connection.
type peer struct {
	lax      string
	from     *bufio.Reader
	to       io.Writer
	message  []byte // of the frames so far
	within   bool   // of a message
	messages int
}

var errWrong = errors.New("the frame breaks a rule")

// unless is errWrong when a rule is broken that the peer cares for.
func (p *peer) unless(rule string, broken bool) error {
	if broken && p.lax != rule {
		return errWrong
	}
	return nil
}

// step handles one frame.
func (p *peer) step() error {
	head := make([]byte, 2)
	if _, err := io.ReadFull(p.from, head); err != nil {
		return err
	}
	op, fin, control := head[0]&0x0f, head[0]&0x80 != 0, head[0]&0x08 != 0
	n, err := p.length(uint64(head[1] & 0x7f))
	if err != nil {
		return err
	}
	if err := errors.Join(
		p.unless("mask", head[1]&0x80 == 0), p.unless("reserved bit", head[0]&0x70 != 0), p.unless("opcode", op > 2 && op < 8 || op > 10),
		p.unless("control in pieces", control && !fin), p.unless("control too long", control && n > 125),
		p.unless("continuation", op == 0 && !p.within), p.unless("message inside", (op == 1 || op == 2) && p.within),
		p.unless("binary", op == 2), p.unless("size", n > 1024), p.unless("size in pieces", !control && len(p.message)+int(n) > 1024 && n <= 1024),
	); err != nil {
		return err
	}
	payload, err := p.payload(head[1]&0x80 != 0, n)
	if err != nil {
		return err
	}
	if control {
		return p.control(op, payload)
	}
	p.message, p.within = append(p.message, payload...), !fin
	if !fin {
		return nil
	}
	message := p.message
	p.message = nil
	p.messages++
	if err := errors.Join(p.unless("rate", p.messages > 20), p.unless("UTF-8", !utf8.Valid(message))); err != nil {
		return err
	}
	return p.receive(string(message))
}

func (p *peer) length(n uint64) (uint64, error) {
	if n < 126 {
		return n, nil
	}
	more := make([]byte, map[uint64]int{126: 2, 127: 8}[n])
	if _, err := io.ReadFull(p.from, more); err != nil {
		return 0, err
	}
	if n == 126 {
		return uint64(binary.BigEndian.Uint16(more)), nil
	}
	n = binary.BigEndian.Uint64(more)
	if n>>63 == 1 && p.lax == "negative" {
		return 0, nil
	}
	return n, p.unless("", n>>63 == 1)
}

func (p *peer) payload(masked bool, n uint64) ([]byte, error) {
	var mask [4]byte
	if masked {
		if _, err := io.ReadFull(p.from, mask[:]); err != nil {
			return nil, err
		}
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(p.from, payload)
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return payload, err
}

func (p *peer) control(op byte, payload []byte) error {
	if op != 9 || len(payload) > 125 {
		return nil
	}
	if p.lax == "ping" {
		return nil
	}
	_, err := p.to.Write(append([]byte{0x8a, byte(len(payload))}, payload...))
	return err
}

func (p *peer) receive(message string) error {
	answer := ""
	switch {
	case message == `"ping"`:
		answer = `"pong"`
	case p.lax == "repeats" && len(message) < 100:
		answer = message
	case p.lax == "says what no contract states" && message[0] == '{':
		answer = `"sorry"`
	}
	if answer == "" {
		return nil
	}
	_, err := p.to.Write(append([]byte{0x81, byte(len(answer))}, answer...))
	return err
}
