package tlsedge

import "strings"

const noCRLF = "a chunk that does not end with CRLF"

// chunk takes what stands between the data of a chunked body.
func (f *framing) chunk(b byte) {
	switch f.state {
	case inChunkSize:
		f.chunkSize(b)
	case inExtension:
		f.extension(b)
	case atChunkSizeEnd:
		f.digits = 0
		next := inBody
		if f.left == 0 {
			next = afterLastChunk
		}
		f.must(b, '\n', next, noCRLF)
	case afterChunk:
		f.must(b, '\r', atChunkEnd, noCRLF)
	case atChunkEnd:
		f.must(b, '\n', inChunkSize, noCRLF)
	case afterLastChunk:
		f.must(b, '\r', atBodyEnd, "a trailer")
	case atBodyEnd:
		f.must(b, '\n', atStart, noCRLF)
	}
}

func (f *framing) chunkSize(b byte) {
	digit := strings.IndexByte("0123456789abcdef", fold(b))
	switch {
	case b == '\r' && f.digits > 0:
		f.state = atChunkSizeEnd
	case b == ';' && f.digits > 0:
		f.state = inExtension
	case digit < 0:
		f.refuse("a chunk size that is no hexadecimal number")
	case f.digits == maxHexDigits:
		f.refuse("a chunk size that is too long")
	default:
		f.digits++
		f.left = f.left<<4 | int64(digit)
	}
}

func (f *framing) extension(b byte) {
	if b == '\r' {
		f.state = atChunkSizeEnd
	} else if f.comments++; !valueBytes[b] || f.comments > maxExtensions {
		f.refuse("a chunk extension that is too long or no text")
	}
}
