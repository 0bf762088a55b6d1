package jwk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errUnfit is wrapped by errors for a key that is sound, for all we know, and
// not for us.
var errUnfit = errors.New("not used")

func unfit(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errUnfit}, args...)...)
}

// kind is what a key is made of.
type kind struct{ kty, crv string }

// kinds are the keys of each algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
func kinds() map[string]kind {
	return map[string]kind{
		"EdDSA": {"OKP", "Ed25519"}, "ES256": {"EC", "P-256"}, "RS256": {"RSA", ""}, "PS256": {"RSA", ""}, "HS256": {"oct", ""},
	}
}

// wanted are the algorithms that the caller chose.
type wanted struct{ algs []string }

func newWanted(algs []string) (wanted, error) {
	if len(algs) == 0 {
		return wanted{}, errors.New("jwk: no algorithm is wanted; which ones the issuer signs with is not for its keys to say")
	}
	for _, alg := range algs {
		if _, ok := kinds()[alg]; !ok {
			return wanted{}, fmt.Errorf("jwk: algorithm %q is not one of EdDSA, ES256, HS256, RS256, PS256", alg)
		}
	}
	if len(algs) > 1 && slices.Contains(algs, "HS256") {
		return wanted{}, errors.New("jwk: HS256 beside other algorithms: a set of public keys holds no secrets")
	}
	return wanted{algs}, nil
}

// statements are what a key says of itself.
type statements struct {
	kind
	kid, use, alg string
	ops           []string // nil when it states none
}

func readStatements(members map[string]any) (statements, error) {
	var s statements
	for name, to := range map[string]*string{"kty": &s.kty, "crv": &s.crv, "kid": &s.kid, "use": &s.use, "alg": &s.alg} {
		v, ok := members[name]
		if !ok {
			continue
		}
		if *to, _ = v.(string); *to == "" {
			return s, fmt.Errorf("its %s is not a text", name)
		}
	}
	if s.kty == "" {
		return s, errors.New("it has no kty")
	}
	if s.kty == "RSA" || s.kty == "oct" {
		s.crv = "" // which means nothing there
	}
	ops, ok := members["key_ops"]
	if !ok {
		return s, nil
	}
	list, _ := ops.([]any)
	if len(list) == 0 {
		return s, errors.New("its key_ops are not a list of names")
	}
	for _, v := range list {
		op, ok := v.(string)
		if !ok {
			return s, errors.New("its key_ops are not a list of names")
		}
		if slices.Contains(s.ops, op) {
			return s, errors.New("its key_ops have a name twice")
		}
		s.ops = append(s.ops, op)
	}
	return s, nil
}

// forSignatures holds use and key_ops against each other (RFC 7517 §4.3) and
// wants the key to be for verifying.
func (s statements) forSignatures() error {
	signs := slices.ContainsFunc(s.ops, func(op string) bool { return op == "verify" || op == "sign" })
	other := slices.ContainsFunc(s.ops, func(op string) bool { return op != "verify" && op != "sign" })
	switch {
	case s.use == "sig" && other, s.use == "enc" && signs:
		return errors.New("its use and its key_ops contradict each other")
	case signs && other:
		return errors.New("its key_ops are of more than one kind")
	case s.use != "" && s.use != "sig":
		return unfit("its use is %.32q", s.use)
	case s.ops != nil && !slices.Contains(s.ops, "verify"):
		return unfit("its key_ops have no verify")
	}
	return nil
}

// choose finds the one wanted algorithm that the key is for.
func (w wanted) choose(s statements) (string, error) {
	if s.alg != "" {
		if want, known := kinds()[s.alg]; known && want != s.kind {
			return "", fmt.Errorf("its alg is %s, which does not fit its kty and crv", s.alg)
		}
		if !slices.Contains(w.algs, s.alg) {
			return "", unfit("its alg is %.32q", s.alg)
		}
		return s.alg, nil
	}
	var fit []string
	for _, alg := range w.algs {
		if kinds()[alg] == s.kind && !slices.Contains(fit, alg) {
			fit = append(fit, alg)
		}
	}
	switch len(fit) {
	case 0:
		return "", unfit("kty %.32q, crv %.32q fits no wanted algorithm", s.kty, s.crv)
	case 1:
		return fit[0], nil
	}
	return "", fmt.Errorf("it states no alg, and %s fit; want one of them", strings.Join(fit, " and "))
}
