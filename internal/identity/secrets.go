package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

const (
	tokenSize   = 32 // bytes of an opaque token: 256 bits
	tokenLength = 43 // characters of it as base64url
)

// MinKey is the least number of bytes of Config.Key.
const MinKey = 32

// secrets are the keys derived from Config.Key, one for each use, so that none
// of them says anything about another (RFC 5869).
type secrets struct {
	seal      cipher.AEAD
	successor []byte
	address   []byte
	account   []byte
	tokenID   []byte
	random    io.Reader
}

func newSecrets(key []byte, random io.Reader) (*secrets, error) {
	if len(key) < MinKey {
		return nil, fmt.Errorf("identity: Key has %d bytes; %d random ones are the least", len(key), MinKey)
	}
	s := &secrets{random: random}
	var sealKey []byte
	for _, d := range []struct {
		use string
		to  *[]byte
	}{
		{"seal", &sealKey}, {"refresh successor", &s.successor}, {"address", &s.address},
		{"account", &s.account}, {"token id", &s.tokenID},
	} {
		k, err := hkdf.Key(sha256.New, key, nil, "gatehouse identity v1: "+d.use, 32)
		if err != nil {
			return nil, fmt.Errorf("deriving the key for %s: %w", d.use, err)
		}
		*d.to = k
	}
	block, err := aes.NewCipher(sealKey)
	if err != nil {
		return nil, fmt.Errorf("making the sealing cipher: %w", err)
	}
	s.seal, err = cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("making the sealing cipher: %w", err)
	}
	return s, nil
}

// newToken returns a fresh opaque token of 256 bits.
func (s *secrets) newToken() (string, error) {
	b := make([]byte, tokenSize)
	if _, err := io.ReadFull(s.random, b); err != nil {
		return "", fmt.Errorf("reading random bytes for a token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// successorOf derives the refresh token that follows parent. Whoever has the
// parent and not the key cannot; and we, who keep neither, can give the same
// answer again.
func (s *secrets) successorOf(parent string) string {
	return base64.RawURLEncoding.EncodeToString(mac(s.successor, parent))
}

// tokenIDOf derives the jti of the access token that is given out together with
// a refresh token.
func (s *secrets) tokenIDOf(refresh string) string {
	return base64.RawURLEncoding.EncodeToString(mac(s.tokenID, refresh)[:16])
}

// addressOf is the stored form of a client's address. IPv6 counts by /64, which
// is what one household has.
func (s *secrets) addressOf(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	text := a.String()
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			text = p.String()
		}
	}
	return hex.EncodeToString(mac(s.address, text))
}

// accountOf names an account by its e-mail without keeping it.
func (s *secrets) accountOf(email string) [sha256.Size]byte {
	return [sha256.Size]byte(mac(s.account, email))
}

// sealed encrypts data for the table; name binds it to its row.
func (s *secrets) sealed(name string, data []byte) (string, error) {
	nonce := make([]byte, s.seal.NonceSize())
	if _, err := io.ReadFull(s.random, nonce); err != nil {
		return "", fmt.Errorf("reading a nonce: %w", err)
	}
	return base64.RawStdEncoding.EncodeToString(s.seal.Seal(nonce, nonce, data, []byte(name))), nil
}

// opened is the reverse of sealed.
func (s *secrets) opened(name, text string) ([]byte, error) {
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(b) < s.seal.NonceSize() {
		return nil, errors.New("what is sealed is cut short or not base64")
	}
	nonce, body := b[:s.seal.NonceSize()], b[s.seal.NonceSize():]
	data, err := s.seal.Open(nil, nonce, body, []byte(name))
	if err != nil {
		return nil, ErrSealed
	}
	return data, nil
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// digest is how an opaque token is stored. A token of 256 random bits needs no
// salt and no slow hash.
func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// wellFormed tells whether a token has the shape of ours, before anything is
// looked up for it.
func wellFormed(token string) bool {
	if len(token) != tokenLength {
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	return err == nil && len(b) == tokenSize
}
