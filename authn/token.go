package authn

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// MaxToken is the size in bytes above which a token is refused unread.
const MaxToken = 8 << 10

// segments are the three parts of a JWS in compact form, still encoded.
type segments struct {
	header, payload, signature string
	input                      string // what is signed: header "." payload
}

// split takes a token apart. It looks at every byte, because the decoder of
// encoding/base64 passes over line ends.
func split(token string) (segments, error) {
	var s segments
	if len(token) > MaxToken {
		return s, fmt.Errorf("%w: longer than %d bytes", ErrInvalid, MaxToken)
	}
	dots := 0
	for i := range len(token) {
		switch b := token[i]; {
		case b == '.':
			dots++
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_':
		default:
			return s, fmt.Errorf("%w: a byte that is not base64url", ErrInvalid)
		}
	}
	if dots != 2 {
		return s, fmt.Errorf("%w: not three parts", ErrInvalid)
	}
	last := strings.LastIndexByte(token, '.')
	s.input, s.signature = token[:last], token[last+1:]
	s.header, s.payload, _ = strings.Cut(s.input, ".")
	return s, nil
}

// unbase64 decodes base64url without padding; bits beyond the last byte must
// be zero, so that a token has one spelling only.
func unbase64(part string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return nil, fmt.Errorf("%w: a part is not base64url", ErrInvalid)
	}
	return b, nil
}

// header is what a JOSE header may say to us.
type header struct {
	alg, typ, kid string
}

// forbids tells whether a header member changes how a token is to be read, or
// brings a key along (RFC 7515 §4.1, RFC 7516 §4.1, RFC 7797 §3).
func forbids(member string) bool {
	switch member {
	case "crit", "b64", "jwk", "jku", "x5u", "x5c", "enc", "zip", "epk", "p2s", "p2c":
		return true
	default:
		return false
	}
}

func readHeader(part string) (header, error) {
	var h header
	data, err := unbase64(part)
	if err != nil {
		return h, err
	}
	v, err := strictjson.Decode(data)
	if err != nil {
		return h, fmt.Errorf("%w: its header is %w", ErrInvalid, err)
	}
	members, ok := v.(map[string]any)
	if !ok {
		return h, fmt.Errorf("%w: its header is not an object", ErrInvalid)
	}
	for name := range members {
		if forbids(name) {
			return h, fmt.Errorf("%w: its header brings %s", ErrInvalid, name)
		}
	}
	alg, err1 := text(members, "alg")
	typ, err2 := text(members, "typ")
	kid, err3 := text(members, "kid")
	if err := cmp.Or(err1, err2, err3); err != nil {
		return h, err
	}
	h = header{alg: alg, typ: typ, kid: kid}
	if len(h.kid) > maxKid {
		return h, fmt.Errorf("%w: its kid is longer than %d bytes", ErrInvalid, maxKid)
	}
	return h, nil
}

// text is a member that must be a string where it stands.
func text(members map[string]any, name string) (string, error) {
	v, present := members[name]
	s, ok := v.(string)
	if present && !ok {
		return "", fmt.Errorf("%w: %s in its header is not a string", ErrInvalid, name)
	}
	return s, nil
}
