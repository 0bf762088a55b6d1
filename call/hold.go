package call

import (
	"maps"
	"net/http"
	"strconv"
)

// hold is an answer that is kept back until it has been looked at.
type hold struct {
	limit  int
	body   []byte
	header http.Header // as it was when holding began
	whole  bool        // nothing goes out before it was looked at, whatever the handler does
	over   bool        // there was more than limit
}

// Hold keeps the answer back from here on, up to limit bytes of body, until Send
// or Drop. A handler that flushes or hijacks, or writes more than the limit, ends
// it: what is kept goes out and the rest follows. validate uses it to look at an
// answer before the client does.
func (c *Call) Hold(limit int) {
	c.writer.held = &hold{limit: limit, header: c.writer.Header().Clone()}
}

// HoldWhole keeps the answer back as Hold does, and lets no part of it go before
// Send: a flush does nothing, a connection cannot be taken over, and of an answer
// larger than limit nothing is kept. validate uses it where members must not
// leave.
func (c *Call) HoldWhole(limit int) {
	c.Hold(limit)
	c.writer.held.whole = true
}

// Held returns the answer that is kept back; ok is false when none is, or
// when HoldWhole was given more than its limit. A handler
// that wrote nothing has answered 200, as net/http takes it.
func (c *Call) Held() (status int, body []byte, ok bool) {
	h := c.writer.held
	if h == nil || h.over {
		return 0, nil, false
	}
	if c.writer.status == 0 {
		return http.StatusOK, nil, true
	}
	return c.writer.status, h.body, true
}

// Replace puts another body in the place of the one that is kept back.
func (c *Call) Replace(body []byte) {
	h := c.writer.held
	if h == nil {
		return
	}
	header := c.writer.Header()
	if header.Get("Content-Length") != "" {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	c.writer.bytes += int64(len(body) - len(h.body))
	h.body = body
}

// Send lets the answer that is kept back go.
func (c *Call) Send() { c.writer.release() }

// Drop forgets the answer that is kept back, its header too, so that another can
// be given in its place.
func (c *Call) Drop() {
	h := c.writer.held
	if h == nil {
		return
	}
	c.writer.held, c.writer.status, c.writer.bytes = nil, 0, 0
	header := c.writer.Header()
	clear(header)
	maps.Copy(header, h.header)
}

// release sends what is kept back, if anything is.
func (w *Writer) release() {
	h := w.held
	if h == nil {
		return
	}
	w.held = nil
	if w.status == 0 {
		return
	}
	w.sendHeader(w.status)
	if len(h.body) > 0 {
		_, _ = w.ResponseWriter.Write(h.body) // the client has gone; there is nobody left to tell
	}
}

// keep holds p back. false means that it is to be sent, since holding has ended.
func (w *Writer) keep(p []byte) bool {
	h := w.held
	if h == nil {
		return false
	}
	if h.whole && (h.over || len(h.body)+len(p) > h.limit) {
		h.over, h.body = true, nil
		return true
	}
	if len(h.body)+len(p) > h.limit {
		w.release()
		return false
	}
	h.body = append(h.body, p...)
	return true
}
