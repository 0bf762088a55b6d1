package call

import (
	"net/http"
)

// Writer is the one ResponseWriter wrapper of the gate: it counts what is sent,
// lets layers add to the header just before it goes, and can hold the answer
// back until it has been looked at.
type Writer struct {
	http.ResponseWriter

	status int
	bytes  int64
	before []func(status int)
	room   [4]func(status int) // what before holds in the usual chain, without an allocation
	held   *hold
}

// Before registers f to run just before the header is sent, in the reverse of
// the order of registration, so that the outer layer has the last word.
func (c *Call) Before(f func(status int)) {
	w := &c.writer
	if w.before == nil {
		w.before = w.room[:0]
	}
	w.before = append(w.before, f)
}

// WriteHeader sends the header once. Informational answers (1xx) pass through.
func (w *Writer) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	final := status >= 200 || status == http.StatusSwitchingProtocols
	if final {
		w.status = status
	}
	switch {
	case !final:
		w.ResponseWriter.WriteHeader(status)
	case w.held == nil:
		w.sendHeader(status)
	}
}

func (w *Writer) sendHeader(status int) {
	for i := len(w.before) - 1; i >= 0; i-- {
		w.before[i](status)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body, after the header.
func (w *Writer) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.keep(p) {
		w.bytes += int64(len(p))
		return len(p), nil
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap gives http.ResponseController the writer beneath. Who asks for it means
// to take over the connection or its deadlines: what is held back goes first.
func (w *Writer) Unwrap() http.ResponseWriter {
	if w.held != nil && w.held.whole {
		return nil // there is nothing to take over until the answer was looked at
	}
	w.release()
	return w.ResponseWriter
}

// Flush sends what is buffered; a stream needs it.
func (w *Writer) Flush() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.held != nil && w.held.whole {
		return
	}
	w.release()
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a writer that cannot flush sends when it is full
}
