package tlsedge

import (
	"bytes"
	"strconv"
	"strings"
)

// framing follows the bytes of one HTTP/1.x connection and finds where each
// message begins and ends. It takes the strict reading of RFC 9112 alone: where
// two readers could see two messages in the same bytes, it finds a fault.
type framing struct {
	state   state
	fault   string // why the connection is refused; nothing behind it is passed on
	chunked bool

	at       int    // how much of the version has been seen
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

	textRoom, hostRoom [maxText]byte
}

// maxText bounds what is collected; a name of a host has 253 bytes at most.
const maxText = 256

// maxExtensions is how many bytes of chunk extensions a message may have. They
// mean nothing to anybody here (RFC 9112 §7.1.1 asks for a limit).
const maxExtensions = 128

// maxHexDigits of a chunk size keep it within an int64.
const maxHexDigits = 15

type state uint8

const (
	atStart state = iota
	inMethod
	atTarget
	inScheme
	atSlash
	atSecondSlash
	inAuthority
	inTarget
	afterAsterisk
	inVersion
	atLine
	inName
	inValue
	inKnownValue
	atLineEnd
	atHeaderEnd
	inChunkSize
	inExtension
	atChunkSizeEnd
	afterChunk
	atChunkEnd
	afterLastChunk
	atBodyEnd
	inBody
)

// body tells whether the fault lies behind a header that was passed on.
func (s state) body() bool { return s >= inChunkSize }

type field uint8

const (
	contentLength field = 1 << iota
	transferEncoding
	hostField
)

// class is the set of the bytes that may stand in one place.
type class [256]bool

// The classes of bytes (RFC 9110 §5.5 and §5.6.2, RFC 3986 §3.2).
var (
	tokenBytes     = classOf(func(b byte) bool { return alphanumeric(b) || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0 })
	valueBytes     = classOf(func(b byte) bool { return b >= ' ' && b != 0x7f || b == '\t' })
	targetBytes    = classOf(func(b byte) bool { return b > ' ' && b != 0x7f })
	authorityBytes = classOf(func(b byte) bool { return alphanumeric(b) || strings.IndexByte("-._~:[]", b) >= 0 })
)

func classOf(has func(byte) bool) (c class) {
	for b := range c {
		c[b] = has(byte(b))
	}
	return c
}

func alphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// run is the index of the first byte of p at or after i that is not of a class.
func run(p []byte, i int, c *class) int {
	for i < len(p) && c[p[i]] {
		i++
	}
	return i
}

// scan follows p and returns how many bytes of it may be passed on: all of
// them, or those before the first fault.
func (f *framing) scan(p []byte) int {
	for i := 0; ; i++ {
		switch f.state {
		case inBody:
			n := min(f.left, int64(len(p)-i))
			i += int(n)
			if f.left -= n; f.left == 0 {
				f.endOfData()
			}
		case inTarget:
			i = run(p, i, &targetBytes)
		case inValue:
			i = run(p, i, &valueBytes)
		case inName:
			begin := i
			i = run(p, i, &tokenBytes)
			f.collect(p[begin:i])
		}
		if i == len(p) {
			return i
		}
		if f.step(p[i]); f.fault != "" {
			return i
		}
	}
}

// step takes one byte.
func (f *framing) step(b byte) {
	switch {
	case f.state < inVersion:
		f.requestLine(b)
	case f.state == inVersion:
		f.version(b)
	case f.state < inChunkSize:
		f.header(b)
	default:
		f.chunk(b)
	}
}

func (f *framing) refuse(why string) { f.fault = why }

// must takes the one byte that may stand here, or finds a fault.
func (f *framing) must(b, want byte, next state, why string) bool {
	if b == want {
		f.state = next
	} else {
		f.refuse(why)
	}
	return b == want
}

// collect keeps what a later step has to know of a name: none that matters is
// longer than there is room.
func (f *framing) collect(b []byte) {
	f.text = append(f.text, b[:min(len(b), cap(f.text)-len(f.text))]...)
}

func (f *framing) collectByte(b byte) {
	if len(f.text) < cap(f.text) {
		f.text = append(f.text, b)
	} else {
		f.refuse("a text that is too long")
	}
}

func (f *framing) reset() { f.text = f.textRoom[:0] }

// begin forgets what the message before has left.
func (f *framing) begin() {
	f.reset()
	f.host = f.hostRoom[:0]
	f.seen, f.comments = 0, 0
	f.asked, f.chunked = false, false
}

func (f *framing) requestLine(b byte) {
	switch f.state {
	case atStart, inMethod:
		f.method(b)
	case inTarget, afterAsterisk:
		f.endOfTarget(b)
	default:
		f.target(b)
	}
}

func (f *framing) method(b byte) {
	if f.state == atStart {
		f.begin()
	}
	switch {
	case tokenBytes[b]:
		f.state = inMethod
		f.collectByte(b)
	case f.state == atStart:
		f.refuse("no method")
	case b == ' ':
		f.connect = string(f.text) == "CONNECT"
		f.state = atTarget
		f.reset()
	default:
		f.refuse("a method that is no token")
	}
}

// endOfTarget takes the space behind a target, and nothing else.
func (f *framing) endOfTarget(b byte) {
	f.at = 0
	f.must(b, ' ', inVersion, "a target that does not end with one space")
}

const noTarget = "a target of no known form"

// target takes the four forms of RFC 9112 §3.2.
func (f *framing) target(b byte) {
	switch f.state {
	case atTarget:
		switch {
		case f.connect:
			f.state, f.asked = inAuthority, true
			f.authority(b)
		case b == '/':
			f.state = inTarget
		case b == '*':
			f.state = afterAsterisk
		default:
			f.state = inScheme
			f.scheme(b)
		}
	case inScheme:
		f.scheme(b)
	case atSlash:
		f.must(b, '/', atSecondSlash, noTarget)
	case atSecondSlash:
		f.must(b, '/', inAuthority, noTarget)
	default:
		f.authority(b)
	}
}

// scheme takes that of an absolute form: http or https, as gateways are asked
// for nothing else.
func (f *framing) scheme(b byte) {
	switch {
	case b == ':' && (is(f.text, "http") || is(f.text, "https")):
		f.state, f.asked = atSlash, true
	case tokenBytes[b]:
		f.collectByte(b)
	default:
		f.refuse(noTarget)
	}
}

func (f *framing) authority(b byte) {
	switch {
	case authorityBytes[b] && len(f.host) < cap(f.host):
		f.host = append(f.host, b)
	case len(f.host) == 0:
		f.refuse(noTarget)
	case b == ' ':
		f.endOfTarget(b)
	case !f.connect && (b == '/' || b == '?'):
		f.state = inTarget
	default:
		f.refuse(noTarget)
	}
}

// is compares two texts; letters of ASCII alone have no case.
func is[T string | []byte](text []byte, want T) bool {
	if len(text) != len(want) {
		return false
	}
	for i, b := range text {
		if fold(b) != fold(want[i]) {
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
	switch {
	case want == '0' && (b < '0' || b > '9'), want != '0' && b != want:
		f.refuse("a request line that does not end with a version and CRLF")
	case f.at == len("HTTP/") && b == '2':
		f.refuse("HTTP/2 where HTTP/1.1 was agreed")
	case f.at == len("HTTP/0."):
		f.http10 = b == '0'
	}
	if f.at++; f.at == len(form) {
		f.state = atLine
	}
}

func (f *framing) header(b byte) {
	const loneCR = "a CR without LF"
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
		case valueBytes[b]: // inKnownValue alone: scan runs over the others
			f.collectByte(b)
		default:
			f.refuse("a control character in a field")
		}
	case atLineEnd:
		if f.must(b, '\n', atLine, loneCR) {
			f.endOfField()
		}
	default: // atHeaderEnd
		if f.must(b, '\n', f.state, loneCR) { // which state follows, endOfHeader says
			f.endOfHeader()
		}
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
	case tokenBytes[b]:
		f.state = inName
		f.reset()
		f.collectByte(b)
	default:
		f.refuse("a field without a name")
	}
}

// name takes what ends a field name, which is a colon or a fault.
func (f *framing) name(b byte) {
	switch {
	case b == ' ' || b == '\t':
		f.refuse("a space before the colon")
	case b != ':':
		f.refuse("a field name that is no token")
	case is(f.text, "host"):
		f.value(hostField)
	case is(f.text, "content-length"):
		f.value(contentLength)
	case is(f.text, "transfer-encoding"):
		f.value(transferEncoding)
	default:
		f.known, f.state = 0, inValue
	}
}

// value begins that of a field that frames or routes the message.
func (f *framing) value(known field) {
	if f.seen&known != 0 {
		f.refuse("two Host, Content-Length or Transfer-Encoding fields")
	}
	f.seen |= known
	f.known, f.state = known, inKnownValue
	f.reset()
}

// endOfField judges the value of a field that frames or routes the message.
func (f *framing) endOfField() {
	value := bytes.Trim(f.text, " \t")
	switch f.known {
	case contentLength:
		n, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil {
			f.refuse("a Content-Length that is no number")
		}
		f.left = int64(n)
	case transferEncoding:
		if f.chunked = is(value, "chunked"); !f.chunked {
			f.refuse("a Transfer-Encoding other than chunked")
		}
	case hostField:
		if f.asked && !is(value, f.host) {
			f.refuse("a target for another host than Host")
		}
	}
}

// endOfHeader decides how the body is framed (RFC 9112 §6.3).
func (f *framing) endOfHeader() {
	switch {
	case f.chunked && f.seen&contentLength != 0:
		f.refuse("Transfer-Encoding beside Content-Length")
	case f.chunked && f.http10:
		f.refuse("Transfer-Encoding in HTTP/1.0")
	case f.chunked:
		f.state = inChunkSize
	default: // a body of nothing ends where it begins
		f.state = inBody
	}
}

func (f *framing) endOfData() {
	f.state = atStart
	if f.chunked {
		f.state = afterChunk
	}
}
