package jwk

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// What is read at most.
const (
	MaxKey  = 64 << 10  // bytes of a key
	MaxSet  = 512 << 10 // bytes of a set
	MaxKeys = 128       // keys in a set
)

const maxKid = 256 // bytes; authn looks no longer one up

// Set is what ParseSet found.
type Set struct {
	Keys   map[string]authn.Key // by kid, for authn.FixedKeys; under "" is the one that has none
	Unused []string             // which keys were left out, and why
}

// Parse reads one key for tokens of alg, a public one but for HS256. kid is ""
// when it states none. Errors hold nothing of the key but names and kid.
func Parse(data []byte, alg string) (kid string, key authn.Key, err error) {
	w, err := newWanted([]string{alg})
	if err != nil {
		return "", authn.Key{}, err
	}
	members, err := object(data, MaxKey)
	if err != nil {
		return "", authn.Key{}, err
	}
	k, err := w.read(members)
	if err != nil {
		return "", authn.Key{}, fmt.Errorf("jwk: %w", err)
	}
	return k.kid, k.key, nil
}

// ParseSet reads a JWK Set (RFC 7517 §5) for tokens that are signed with one of
// algs. Keys of other uses are left out; the package says what refuses the set.
// A set of which no key is left is an error. HS256 stands alone: with it the keys
// are secrets, and nothing that is published.
func ParseSet(data []byte, algs ...string) (Set, error) {
	w, err := newWanted(algs)
	if err != nil {
		return Set{}, err
	}
	members, err := object(data, MaxSet)
	if err != nil {
		return Set{}, err
	}
	list, _ := members["keys"].([]any)
	if len(list) == 0 || len(list) > MaxKeys {
		return Set{}, fmt.Errorf("jwk: no set: keys is not a list of 1 to %d", MaxKeys)
	}
	set := Set{Keys: map[string]authn.Key{}}
	seen := map[string]bool{}
	for i, item := range list {
		name, err := w.add(&set, seen, item)
		if errors.Is(err, errUnfit) {
			set.Unused = append(set.Unused, fmt.Sprintf("key %d%s: %v", i+1, name, err))
		} else if err != nil {
			return Set{}, fmt.Errorf("jwk: key %d%s: %w", i+1, name, err)
		}
	}
	if len(set.Keys) == 0 {
		return Set{}, fmt.Errorf("jwk: no key of the set is for %s: %s", strings.Join(algs, ", "), strings.Join(set.Unused, "; "))
	}
	return set, nil
}

// add reads one item of a set into it. name is how messages call the key.
func (w wanted) add(set *Set, seen map[string]bool, item any) (name string, err error) {
	members, ok := item.(map[string]any)
	if !ok {
		return "", errors.New("is not an object")
	}
	if kid, ok := members["kid"].(string); ok {
		name = fmt.Sprintf(" (kid %.64q)", kid)
		if seen[kid] {
			return name, errors.New("another has its kid")
		}
		seen[kid] = true
	}
	k, err := w.read(members)
	if err != nil {
		return name, err
	}
	if _, twice := set.Keys[k.kid]; twice {
		return name, errors.New("another has no kid either")
	}
	set.Keys[k.kid] = k.key
	return name, nil
}

// object reads strict JSON that is an object.
func object(data []byte, most int) (map[string]any, error) {
	if len(data) > most {
		return nil, fmt.Errorf("jwk: longer than %d bytes", most)
	}
	v, err := strictjson.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("jwk: %w", err)
	}
	members, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("jwk: not an object")
	}
	return members, nil
}

// material makes a key of the members that are one, and of no others: what a
// library might make of x5c or x5u has no say in it.
func material(members map[string]any, alg string) (authn.Key, error) {
	bare := map[string]any{}
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e", "k"} {
		if v, ok := members[name]; ok {
			bare[name] = v
		}
	}
	var k jose.JSONWebKey
	data, err := strictjson.Marshal(bare)
	if err == nil {
		err = k.UnmarshalJSON(data)
	}
	if err != nil { // which may quote a member
		return authn.Key{}, unfit("its members make no key")
	}
	key, err := authn.NewKey(alg, k.Key)
	if err != nil {
		return authn.Key{}, unfit("%v", err)
	}
	return key, nil
}

// read judges one key and makes it.
func (w wanted) read(members map[string]any) (found, error) {
	s, err := readStatements(members)
	if err != nil {
		return found{}, err
	}
	if err := w.keepSecrets(s, members); err != nil {
		return found{}, err
	}
	if err := s.forSignatures(); err != nil {
		return found{}, err
	}
	alg, err := w.choose(s)
	if err != nil {
		return found{}, err
	}
	if len(s.kid) > maxKid {
		return found{}, unfit("its kid is longer than %d bytes", maxKid)
	}
	key, err := material(members, alg)
	return found{s.kid, key}, err
}

type found struct {
	kid string
	key authn.Key
}

// keepSecrets refuses what nobody publishes: who has it can sign. A private key
// is refused for HS256 too, where it has no place.
func (w wanted) keepSecrets(s statements, members map[string]any) error {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "priv"} {
		if _, ok := members[name]; ok {
			return fmt.Errorf("it is a private key, with a member %s; use its public half, and make another if this was published", name)
		}
	}
	_, secret := members["k"]
	if (secret || s.kty == "oct") && !slices.Contains(w.algs, "HS256") {
		return errors.New("it is a symmetric key, where public ones are wanted")
	}
	return nil
}
