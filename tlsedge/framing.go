package tlsedge

import "bytes"

// framing follows the bytes of one HTTP/1.x connection and finds where each
// message begins and ends. It takes the strict reading of RFC 9112 alone: where
// two readers could see two messages in the same bytes, it finds a fault.
type framing struct {
	state   state
	fault   string // why the connection is refused; nothing behind it is passed on
	chunked bool

	at       int    // how much of a fixed text, or of a name, has been seen
	known    field  // the field whose value is collected
	seen     field  // those that this message has had
	text     []byte // what is collected: a method, a scheme, a name, a value
	host     []byte // of an absolute or authority form
	asked    bool   // host is to be compared with Host
	http10   bool   // no transfer coding exists
	connect  bool   // the target is host:port
	left     int64  // of the body, or of the chunk
	digits   int    // of the chunk size
	comments int    // bytes of chunk extensions in this message
	room     [2 * maxText]byte
}

// maxText bounds what is collected; a name of a host has 253 bytes at most.
const maxText = 256

// maxExtensions is how many bytes of chunk extensions a message may have. They
// mean nothing to anybody here (RFC 9112 §7.1.1 asks for a limit).
const maxExtensions = 128

// maxDigits of a length keep it within an int64.
const (
	maxDigits    = 18
	maxHexDigits = 15
)

type state uint8

const (
	atStart state = iota
	inMethod
	atTarget
	inTarget
	afterAsterisk
	inScheme
	inSlashes
	inAuthority
	inVersion
	atLine
	inName
	inValue
	inKnownValue
	atLineEnd
	atHeaderEnd
	inBody
	inChunkSize
	inExtension
	atChunkSizeEnd
	afterChunk
	atChunkEnd
	afterLastChunk
	atBodyEnd
)

// body tells whether the fault lies behind a header that was passed on.
func (s state) body() bool { return s >= inBody }

type field uint8

const (
	contentLength field = 1 << iota
	transferEncoding
	hostField
)

// The classes of bytes (RFC 9110 §5.5 and §5.6.2, RFC 3986 §3.2).
const (
	tokenByte = 1 << iota
	valueByte
	targetByte
	authorityByte
)

var classes = classify()

func classify() (c [256]uint8) {
	for b := range c {
		switch {
		case b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z':
			c[b] |= tokenByte | authorityByte
		case bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), byte(b)) >= 0:
			c[b] |= tokenByte
		}
		if bytes.IndexByte([]byte("-._~:[]"), byte(b)) >= 0 {
			c[b] |= authorityByte
		}
		if b > ' ' && b != 0x7f {
			c[b] |= valueByte | targetByte
		}
	}
	c[' '] |= valueByte
	c['\t'] |= valueByte
	return c
}

// run is the index of the first byte of p at or after i that is not of a class.
func run(p []byte, i int, class uint8) int {
	for i < len(p) && classes[p[i]]&class != 0 {
		i++
	}
	return i
}

// scan follows p and returns how many bytes of it may be passed on: all of
// them, or those before the first fault.
func (f *framing) scan(p []byte) int {
	for i := 0; i < len(p); {
		switch f.state {
		case inBody:
			n := min(f.left, int64(len(p)-i))
			i += int(n)
			if f.left -= n; f.left == 0 {
				f.endOfData()
			}
			continue
		case inTarget:
			i = run(p, i, targetByte)
		case inValue:
			i = run(p, i, valueByte)
		case inName:
			begin := i
			i = run(p, i, tokenByte)
			f.collect(p[begin:i])
		}
		if i == len(p) {
			break
		}
		if f.step(p[i]); f.fault != "" {
			return i
		}
		i++
	}
	return len(p)
}

// step takes one byte.
func (f *framing) step(b byte) {
	switch {
	case f.state < inVersion:
		f.requestLine(b)
	case f.state == inVersion:
		f.version(b)
	case f.state < inBody:
		f.header(b)
	default:
		f.chunk(b)
	}
}

func (f *framing) refuse(why string) { f.fault = why }

// collect keeps what a later step has to know, up to maxText.
func (f *framing) collect(b []byte) {
	f.at += len(b)
	f.text = append(f.text, b[:min(len(b), maxText-len(f.text))]...)
}

func (f *framing) collectByte(b byte) {
	if len(f.text) == maxText {
		f.refuse("a text that is too long")
		return
	}
	f.text = append(f.text, b)
}

func (f *framing) reset() {
	f.text, f.at = f.room[:0:maxText], 0
}

// begin forgets the message before.
func (f *framing) begin() {
	f.reset()
	f.host = f.room[maxText:maxText]
	f.seen, f.known = 0, 0
	f.asked, f.http10, f.connect, f.chunked = false, false, false, false
	f.comments, f.left = 0, 0
}

func (f *framing) requestLine(b byte) {
	switch f.state {
	case atStart:
		f.begin()
		if classes[b]&tokenByte == 0 {
			f.refuse("no method")
			return
		}
		f.state = inMethod
		f.collectByte(b)
	case inMethod:
		switch {
		case b == ' ':
			f.connect = string(f.text) == "CONNECT"
			f.state = atTarget
			f.reset()
		case classes[b]&tokenByte == 0:
			f.refuse("a method that is no token")
		default:
			f.collectByte(b)
		}
	case inTarget:
		f.endOfTarget(b)
	case afterAsterisk:
		f.endOfTarget(b)
	default:
		f.target(b)
	}
}

// endOfTarget takes the space behind a target, and nothing else.
func (f *framing) endOfTarget(b byte) {
	if b != ' ' {
		f.refuse("a target that does not end with one space")
		return
	}
	f.state, f.at = inVersion, 0
}

// target takes the four forms of RFC 9112 §3.2.
func (f *framing) target(b byte) {
	switch {
	case f.state == atTarget && f.connect:
		f.state, f.asked = inAuthority, true
		f.target(b)
	case f.state == atTarget && b == '/':
		f.state = inTarget
	case f.state == atTarget && b == '*':
		f.state = afterAsterisk
	case f.state == atTarget || f.state == inScheme:
		f.scheme(b)
	case f.state == inSlashes && b == '/':
		if f.at++; f.at == 2 {
			f.state, f.asked = inAuthority, true
		}
	case f.state == inAuthority && classes[b]&authorityByte != 0 && len(f.host) < maxText:
		f.host = append(f.host, b)
	case f.state == inAuthority && len(f.host) > 0 && b == ' ':
		f.endOfTarget(b)
	case f.state == inAuthority && len(f.host) > 0 && !f.connect && (b == '/' || b == '?'):
		f.state = inTarget
	default:
		f.refuse("a target of no known form")
	}
}

// scheme takes that of an absolute form: http or https, as gateways are asked
// for nothing else.
func (f *framing) scheme(b byte) {
	f.state = inScheme
	if b != ':' {
		f.collectByte(b)
		if len(f.text) > len("https") {
			f.refuse("a target of no known form")
		}
		return
	}
	if !is(f.text, "http") && !is(f.text, "https") {
		f.refuse("a target of no known form")
		return
	}
	f.state = inSlashes
	f.reset()
}

// is compares a collected text with one in lower case.
func is(text []byte, want string) bool {
	if len(text) != len(want) {
		return false
	}
	for i, b := range text {
		if fold(b) != want[i] {
			return false
		}
	}
	return true
}

func fold(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		b += 'a' - 'A'
	}
	return b
}

// version takes "HTTP/1.1" and the end of the line. Other numbers pass: net/http
// answers 505 to those it does not speak.
func (f *framing) version(b byte) {
	const form = "HTTP/0.0\r\n"
	want := form[f.at]
	digit := b >= '0' && b <= '9'
	switch {
	case want == '0' && !digit, want != '0' && b != want:
		f.refuse("a request line that does not end with a version and CRLF")
		return
	case f.at == len("HTTP/") && b == '2':
		f.refuse("HTTP/2 where HTTP/1.1 was agreed")
		return
	case f.at == len("HTTP/"):
		f.http10 = b < '1'
	case f.at == len("HTTP/0."):
		f.http10 = f.http10 || b == '0'
	}
	if f.at++; f.at == len(form) {
		f.state = atLine
	}
}

func (f *framing) header(b byte) {
	switch f.state {
	case atLine:
		f.line(b)
	case inName:
		f.name(b)
	case inValue, inKnownValue:
		switch {
		case b == '\r':
			f.state = atLineEnd
		case b == '\n':
			f.refuse("a line that ends with LF alone")
		case classes[b]&valueByte == 0:
			f.refuse("a control character in a field")
		default: // inKnownValue alone: scan runs over the others
			f.collectByte(b)
		}
	case atLineEnd:
		if b != '\n' {
			f.refuse("a CR without LF")
			return
		}
		f.state = atLine
		f.endOfField()
	default: // atHeaderEnd
		if b != '\n' {
			f.refuse("a CR without LF")
			return
		}
		f.endOfHeader()
	}
}

// line takes the first byte of a line of the header.
func (f *framing) line(b byte) {
	switch {
	case b == '\r':
		f.state = atHeaderEnd
	case b == ' ' || b == '\t':
		f.refuse("a folded line")
	case b == '\n':
		f.refuse("a line that ends with LF alone")
	case classes[b]&tokenByte == 0:
		f.refuse("a field without a name")
	default:
		f.state = inName
		f.reset()
		f.at = 1
		f.collectByte(b)
	}
}

// name takes what ends a field name, which is a colon or a fault.
func (f *framing) name(b byte) {
	switch {
	case b == ' ' || b == '\t':
		f.refuse("a space before the colon")
		return
	case b != ':':
		f.refuse("a field name that is no token")
		return
	}
	switch f.known = 0; {
	case f.at == len("host") && is(f.text, "host"):
		f.known = hostField
	case f.at == len("content-length") && is(f.text, "content-length"):
		f.known = contentLength
	case f.at == len("transfer-encoding") && is(f.text, "transfer-encoding"):
		f.known = transferEncoding
	}
	f.state = inValue
	if f.known == 0 {
		return
	}
	if f.seen&f.known != 0 {
		f.refuse("two Host, Content-Length or Transfer-Encoding fields")
		return
	}
	f.seen |= f.known
	f.state = inKnownValue
	f.reset()
}

// endOfField judges the value of a field that frames or routes the message.
func (f *framing) endOfField() {
	value := bytes.Trim(f.text, " \t")
	switch f.known {
	case contentLength:
		if len(value) == 0 || len(value) > maxDigits {
			f.refuse("a Content-Length that is no number")
			return
		}
		for _, b := range value {
			if b < '0' || b > '9' {
				f.refuse("a Content-Length that is no number")
				return
			}
			f.left = f.left*10 + int64(b-'0')
		}
	case transferEncoding:
		if f.chunked = is(value, "chunked"); !f.chunked {
			f.refuse("a Transfer-Encoding other than chunked")
		}
	case hostField:
		if f.asked && !bytes.EqualFold(value, f.host) {
			f.refuse("a target for another host than Host")
		}
	}
	f.known = 0
}

// endOfHeader decides how the body is framed (RFC 9112 §6.3).
func (f *framing) endOfHeader() {
	switch {
	case f.chunked && f.seen&contentLength != 0:
		f.refuse("Transfer-Encoding beside Content-Length")
	case f.chunked && f.http10:
		f.refuse("Transfer-Encoding in HTTP/1.0")
	case f.chunked:
		f.state, f.digits = inChunkSize, 0
	case f.left > 0:
		f.state = inBody
	default:
		f.state = atStart
	}
}

func (f *framing) endOfData() {
	f.state = atStart
	if f.chunked {
		f.state = afterChunk
	}
}
