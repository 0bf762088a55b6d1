package tlsedge

// chunk takes what stands between the data of a chunked body.
func (f *framing) chunk(b byte) {
	switch f.state {
	case inChunkSize:
		f.chunkSize(b)
	case inExtension:
		f.extension(b)
	case atChunkSizeEnd:
		f.must(b, '\n', inBody)
		if f.left == 0 {
			f.state = afterLastChunk
		}
	case afterChunk:
		f.must(b, '\r', atChunkEnd)
	case atChunkEnd:
		f.must(b, '\n', inChunkSize)
		f.digits = 0
	case afterLastChunk:
		if b != '\r' {
			f.refuse("a trailer")
			return
		}
		f.state = atBodyEnd
	default: // atBodyEnd
		f.must(b, '\n', atStart)
	}
}

func (f *framing) must(b, want byte, next state) {
	if b != want {
		f.refuse("a chunk that does not end with CRLF")
		return
	}
	f.state = next
}

func (f *framing) chunkSize(b byte) {
	var digit byte
	switch {
	case b == '\r' && f.digits > 0:
		f.state = atChunkSizeEnd
		return
	case b == ';' && f.digits > 0:
		f.state = inExtension
		return
	case b >= '0' && b <= '9':
		digit = b - '0'
	case fold(b) >= 'a' && fold(b) <= 'f':
		digit = fold(b) - 'a' + 10
	default:
		f.refuse("a chunk size that is no hexadecimal number")
		return
	}
	if f.digits++; f.digits == 1 {
		f.left = 0
	}
	if f.digits > maxHexDigits {
		f.refuse("a chunk size that is too long")
		return
	}
	f.left = f.left<<4 | int64(digit)
}

func (f *framing) extension(b byte) {
	if b == '\r' {
		f.state = atChunkSizeEnd
		return
	}
	if f.comments++; classes[b]&valueByte == 0 || f.comments > maxExtensions {
		f.refuse("a chunk extension that is too long or no text")
	}
}
