package gatetest

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

// These are the opcodes of RFC 6455 section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// socket is the client's end of a WebSocket. It knows as little of the protocol
// as it can, for its rows break it.
type socket struct {
	net.Conn
	from   *bufio.Reader
	server *http.Server
}

// exchange serves h on a connection of the loopback and writes a request to it.
func (s *suite) exchange(h http.Handler, r *http.Request, text string) (*socket, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("gatetest: listening: %w", err)
	}
	address, encrypted := r.RemoteAddr, s.TLS
	server := &http.Server{ReadHeaderTimeout: s.Patience, ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = address
		if encrypted {
			r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true}
		}
		h.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(l) }() // until it is closed
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		_ = server.Close()
		return nil, fmt.Errorf("gatetest: connecting: %w", err)
	}
	k := &socket{conn, bufio.NewReader(conn), server}
	_ = conn.SetDeadline(time.Now().Add(s.Patience))
	if text != "" {
		_, err = io.WriteString(conn, text)
	} else {
		err = r.Write(conn)
	}
	if err != nil {
		k.close()
		return nil, fmt.Errorf("gatetest: writing the request: %w", err)
	}
	return k, nil
}

func (k *socket) close() {
	_ = k.Conn.Close()
	_ = k.server.Close()
}

// open sends a handshake. The socket is nil when it was refused.
func (s *suite) open(h http.Handler, r *http.Request) (*socket, answer, error) {
	return s.openAs(h, r, "")
}

// openAs sends text as the handshake when it is not empty.
func (s *suite) openAs(h http.Handler, r *http.Request, text string) (*socket, answer, error) {
	asked(r)
	a := answer{sent: dump(r)}
	k, err := s.exchange(h, r, text)
	if err != nil {
		return nil, a, err
	}
	response, err := http.ReadResponse(k.from, r)
	if err != nil {
		k.close()
		return nil, a, fmt.Errorf("no answer to a handshake: %w\n%s", err, a.sent)
	}
	a.status, a.header = response.StatusCode, response.Header
	if a.status == http.StatusSwitchingProtocols {
		return k, a, nil
	}
	body, err := io.ReadAll(response.Body)
	k.close()
	a.body = string(body)
	return nil, a, err
}

// frame is one frame of a client, masked unless it is to be wrong.
type frame struct {
	op       byte
	payload  string
	more     bool // no FIN
	reserved byte // RSV1 to RSV3, in their place
	bare     bool // without a mask
	length   []byte
}

func (f frame) bytes() []byte {
	first := f.op | f.reserved
	if !f.more {
		first |= 0x80
	}
	b := []byte{first}
	switch n := len(f.payload); {
	case f.length != nil:
		b = append(b, f.length...)
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	if f.bare {
		return append(b, f.payload...)
	}
	b[1] |= 0x80
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d} // RFC 6455 section 5.7
	b = append(b, mask[:]...)
	for i := range len(f.payload) {
		b = append(b, f.payload[i]^mask[i%4])
	}
	return b
}

// read reads a frame of the server.
func (k *socket) read() (op byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(k.from, head[:]); err != nil {
		return 0, nil, err
	}
	n := uint64(head[1] & 0x7f)
	switch n {
	case 126:
		var more [2]byte
		_, err = io.ReadFull(k.from, more[:])
		n = uint64(binary.BigEndian.Uint16(more[:]))
	case 127:
		var more [8]byte
		_, err = io.ReadFull(k.from, more[:])
		n = binary.BigEndian.Uint64(more[:])
	}
	if err != nil || n > 64<<20 {
		return 0, nil, errors.Join(err, errors.New("a frame that is too long"))
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(k.from, payload)
	return head[0] & 0x0f, payload, err
}

// ends reads until the server ends the connection, or until patience ends. An
// error in reading is an end too, but for that of the clock.
func (k *socket) ends() (ended bool, said []string) {
	for {
		op, payload, err := k.read()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false, said
		case err != nil || op == opClose:
			return true, said
		case op == opText || op == opBinary:
			said = append(said, string(payload))
		}
	}
}

// ponged reads until the server answers a ping or ends the connection; ok is
// false when it does neither.
func (k *socket) ponged() (ok bool, said []string) {
	for {
		op, payload, err := k.read()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false, said
		case err != nil || op == opClose || op == opPong:
			return true, said
		case op == opText || op == opBinary:
			said = append(said, string(payload))
		}
	}
}
