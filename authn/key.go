package authn

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

const (
	minSecret = 32   // bytes of an HS256 secret: as long as the hash (RFC 7518 §3.2)
	minRSA    = 2048 // bits of an RSA key (RFC 7518 §3.3)
	maxKid    = 256  // bytes of a kid that is looked up at all
)

// Key verifies the signatures of one algorithm. It is made by NewKey; the zero
// Key verifies nothing.
type Key struct{ *material }

type material struct {
	alg    string
	method jwt.SigningMethod
	key    any
}

// NewKey binds a key to the one algorithm (RFC 7518 §3.1, RFC 8037 §3.1) that
// it may be used with:
//
//	EdDSA          ed25519.PublicKey
//	ES256          *ecdsa.PublicKey on P-256
//	HS256          []byte, 32 bytes at least, not a key in any encoded form
//	RS256, PS256   *rsa.PublicKey, 2048 bits at least; to read foreign tokens, not to sign
//
// "none" is not an algorithm here.
func NewKey(alg string, key any) (Key, error) {
	method, ok := methods()[alg]
	if !ok {
		return Key{}, fmt.Errorf("authn: algorithm %q is not one of EdDSA, ES256, HS256, RS256, PS256", alg)
	}
	if err := fits(alg, key); err != nil {
		return Key{}, fmt.Errorf("authn: key for %s: %w", alg, err)
	}
	return Key{&material{alg: alg, method: method, key: key}}, nil
}

func methods() map[string]jwt.SigningMethod {
	return map[string]jwt.SigningMethod{
		"EdDSA": jwt.SigningMethodEdDSA,
		"ES256": jwt.SigningMethodES256,
		"HS256": jwt.SigningMethodHS256,
		"RS256": jwt.SigningMethodRS256,
		"PS256": jwt.SigningMethodPS256,
	}
}

func fits(alg string, key any) error {
	switch k := key.(type) {
	case ed25519.PublicKey:
		if alg == "EdDSA" && len(k) == ed25519.PublicKeySize {
			return nil
		}
	case *ecdsa.PublicKey:
		if alg == "ES256" && k != nil && k.Curve == elliptic.P256() {
			_, err := k.ECDH() // fails for a point that is not on the curve
			return err
		}
	case *rsa.PublicKey:
		if (alg == "RS256" || alg == "PS256") && k != nil {
			return fitsRSA(k)
		}
	case []byte:
		if alg == "HS256" {
			return fitsSecret(k)
		}
	}
	return fmt.Errorf("a %T does not fit it", key)
}

func fitsRSA(k *rsa.PublicKey) error {
	if k.N == nil || k.N.BitLen() < minRSA {
		return fmt.Errorf("the modulus has fewer than %d bits", minRSA)
	}
	if k.E < 3 || k.E%2 == 0 {
		return errors.New("the exponent is not an odd number of 3 or more")
	}
	if k.E > 1<<31-1 { // crypto/rsa verifies nothing with it
		return errors.New("the exponent is longer than 31 bits")
	}
	return nil
}

// FixedKeys is a key source that never changes, by key id. The key under "" is
// for tokens without a kid.
func FixedKeys(keys map[string]Key) func(kid string) (Key, error) {
	fixed := make(map[string]Key, len(keys))
	for kid, k := range keys {
		fixed[kid] = k
	}
	return func(kid string) (Key, error) {
		k, ok := fixed[kid]
		if !ok {
			return Key{}, fmt.Errorf("%w: no key has its kid", ErrInvalid)
		}
		return k, nil
	}
}

// check verifies the signature of the signing input (RFC 7515 §5.2).
func (k Key) check(alg, input string, signature []byte) error {
	if k.material == nil {
		return fmt.Errorf("%w: no key has its kid", ErrInvalid)
	}
	if alg != k.alg {
		return fmt.Errorf("%w: its alg is not that of its key", ErrInvalid)
	}
	if err := k.method.Verify(input, signature, k.key); err != nil {
		return fmt.Errorf("%w: its signature does not verify", ErrInvalid)
	}
	return nil
}
