package identity

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gatehouse-api/gatehouse/authn"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

const (
	edDSA = "EdDSA"
	es256 = "ES256"
	hs256 = "HS256"

	// reloadEvery bounds how often tokens with made-up key ids make us read.
	reloadEvery = 5 * time.Second
	// keyLeeway is how much longer than the last token a key verifies.
	keyLeeway = time.Minute
)

// keyStore keeps the signing keys: sealed in the table, open in memory.
type keyStore struct {
	cfg     Config
	secrets *secrets
	ring    atomic.Pointer[keyring]
	mu      sync.Mutex // one reader of the table at a time
	failed  failure    // the last reading that went wrong
	shared  *signer    // HS256 instead of keys from the table; nil otherwise
	secret  authn.Key
}

// keyring is what was read at one time. It is not changed.
type keyring struct {
	signer *signer // nil when no key of the configured algorithm signs
	keys   map[string]ringKey
	read   time.Time
}

// failure keeps tokens with made-up key ids from asking a store that is down
// one after the other.
type failure struct {
	err error
	at  time.Time
}

type ringKey struct {
	verify authn.Key
	public jose.JSONWebKey
	until  time.Time
}

func newKeyStore(cfg Config, sec *secrets) (*keyStore, error) {
	k := &keyStore{cfg: cfg, secrets: sec}
	k.ring.Store(&keyring{})
	if cfg.Algorithm != hs256 {
		return k, nil
	}
	var err error
	if k.secret, err = authn.NewKey(hs256, cfg.SharedSecret); err != nil {
		return nil, err
	}
	id := base64.RawURLEncoding.EncodeToString(mac(cfg.SharedSecret, "gatehouse key id")[:12])
	k.shared = &signer{id: id, algorithm: hs256, sign: signHS256(cfg.SharedSecret)}
	return k, nil
}

// find is the source of keys for authn. It has no context of its own: a token
// whose key is known costs nothing, and another is looked up once in a while.
func (k *keyStore) find(kid string) (authn.Key, error) {
	if k.shared != nil && kid == k.shared.id {
		return k.secret, nil
	}
	now := k.cfg.Now()
	key, ok := k.ring.Load().keys[kid]
	if !ok {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		ring, err := k.refresh(ctx, reloadEvery)
		if err != nil {
			return authn.Key{}, err
		}
		key, ok = ring.keys[kid]
	}
	if !ok || !now.Before(key.until) {
		return authn.Key{}, fmt.Errorf("%w: no key has its kid", authn.ErrInvalid)
	}
	return key.verify, nil
}

// signer returns the key that signs now, and makes one when there is none.
func (k *keyStore) signer(ctx context.Context) (*signer, error) {
	if k.shared != nil {
		return k.shared, nil
	}
	if s := k.ring.Load().signer; s != nil && k.cfg.Now().Before(s.until) {
		return s, nil
	}
	ring, err := k.refresh(ctx, 0)
	if err != nil {
		return nil, err
	}
	if ring.signer != nil {
		return ring.signer, nil
	}
	if err := k.rotate(ctx); err != nil {
		return nil, err
	}
	ring, err = k.refresh(ctx, 0)
	if err != nil {
		return nil, err
	}
	if ring.signer == nil {
		return nil, errors.New("the new signing key is not there")
	}
	return ring.signer, nil
}

// refresh reads the table unless it was read less than age ago.
func (k *keyStore) refresh(ctx context.Context, age time.Duration) (*keyring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.ring.Load()
	if age > 0 && !old.read.IsZero() && k.cfg.Now().Sub(old.read) < age {
		return old, nil
	}
	if age > 0 && k.failed.err != nil && k.cfg.Now().Sub(k.failed.at) < age {
		return nil, k.failed.err
	}
	var fresh *keyring
	err := k.cfg.Store.Read(ctx, store.System(), func(tx *store.Tx) error {
		var err error
		fresh, err = k.load(ctx, tx, old)
		return err
	})
	if err != nil {
		k.failed = failure{fmt.Errorf("reading signing keys: %w", err), k.cfg.Now()}
		return nil, k.failed.err
	}
	k.failed = failure{}
	k.ring.Store(fresh)
	return fresh, nil
}

func (k *keyStore) load(ctx context.Context, tx *store.Tx, old *keyring) (*keyring, error) {
	now := k.cfg.Now()
	ring := &keyring{keys: map[string]ringKey{}, read: now}
	rows, err := tx.Query(ctx, `SELECT id, algorithm, public_key, sealed, signs_until, verifies_until
		FROM identity_keys WHERE verifies_until > $1 ORDER BY created_at, id`, now.UnixMicro())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, algorithm, public, sealed string
		var signs, verifies int64
		if err := rows.Scan(&id, &algorithm, &public, &sealed, &signs, &verifies); err != nil {
			return nil, err
		}
		key, known := old.keys[id] // the same Key lets authn recognise a token that it has verified
		if !known {
			if key, err = readPublic(id, algorithm, public); err != nil {
				return nil, fmt.Errorf("key %s: %w", id, err)
			}
		}
		key.until = time.UnixMicro(verifies)
		ring.keys[id] = key
		if algorithm == k.cfg.Algorithm && signs > now.UnixMicro() {
			if ring.signer, err = k.open(id, algorithm, sealed, signs); err != nil {
				return nil, fmt.Errorf("key %s: %w", id, err)
			}
		}
	}
	return ring, rows.Err()
}

func readPublic(id, algorithm, text string) (ringKey, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return ringKey{}, fmt.Errorf("decoding the public key: %w", err)
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return ringKey{}, fmt.Errorf("parsing the public key: %w", err)
	}
	verify, err := authn.NewKey(algorithm, public)
	if err != nil {
		return ringKey{}, err
	}
	return ringKey{verify: verify, public: jose.JSONWebKey{Key: public, KeyID: id, Algorithm: algorithm, Use: "sig"}}, nil
}

func (k *keyStore) open(id, algorithm, sealed string, signs int64) (*signer, error) {
	der, err := k.secrets.opened(id, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening the private key: %w", err)
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("parsing the private key: %w", err)
	}
	s := &signer{id: id, algorithm: algorithm, until: time.UnixMicro(signs)}
	switch p := private.(type) {
	case ed25519.PrivateKey:
		s.sign = func(input []byte) ([]byte, error) { return ed25519.Sign(p, input), nil }
	case *ecdsa.PrivateKey:
		s.sign = func(input []byte) ([]byte, error) { return signES256(p, input) }
	default:
		return nil, fmt.Errorf("a %T does not sign here", private)
	}
	return s, nil
}

// rotate makes a new signing key, unless another process has just made one.
// The old one goes on verifying until its last token has expired.
func (k *keyStore) rotate(ctx context.Context) error {
	private, err := k.generate()
	if err != nil {
		return fmt.Errorf("generating a signing key: %w", err)
	}
	row, err := k.sealedRow(private)
	if err != nil {
		return err
	}
	change := &store.Change{Action: "SIGNING_KEY_MADE", Resource: "keys/" + row.id, Notify: true,
		Details: map[string]any{"algorithm": k.cfg.Algorithm}}
	return k.cfg.Store.Write(ctx, store.System(), change, func(tx *store.Tx) error {
		now := k.cfg.Now()
		var n int64
		err := tx.QueryRow(ctx, `SELECT count(*) FROM identity_keys WHERE algorithm = $1 AND signs_until > $2`,
			k.cfg.Algorithm, now.UnixMicro()).Scan(&n)
		if err != nil {
			return fmt.Errorf("counting signing keys: %w", err)
		}
		if n > 0 {
			change.Action = ""
			return nil
		}
		signs := now.Add(k.cfg.RotateEvery)
		_, err = tx.Exec(ctx, `INSERT INTO identity_keys (id, algorithm, public_key, sealed, created_at, signs_until, verifies_until)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, row.id, k.cfg.Algorithm, row.public, row.sealed, now.UnixMicro(),
			signs.UnixMicro(), signs.Add(k.cfg.AccessTTL+keyLeeway).UnixMicro())
		return err
	})
}

func (k *keyStore) generate() (crypto.Signer, error) {
	if k.cfg.Algorithm == es256 {
		return ecdsa.GenerateKey(elliptic.P256(), k.cfg.Random)
	}
	_, private, err := ed25519.GenerateKey(k.cfg.Random)
	return private, err
}

type keyRow struct{ id, public, sealed string }

// sealedRow names the key by its RFC 7638 thumbprint.
func (k *keyStore) sealedRow(private crypto.Signer) (keyRow, error) {
	jwk := jose.JSONWebKey{Key: private.Public()}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return keyRow{}, fmt.Errorf("naming a signing key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return keyRow{}, fmt.Errorf("encoding a public key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return keyRow{}, fmt.Errorf("encoding a private key: %w", err)
	}
	row := keyRow{id: base64.RawURLEncoding.EncodeToString(sum), public: base64.StdEncoding.EncodeToString(public)}
	row.sealed, err = k.secrets.sealed(row.id, der)
	return row, err
}

// HasSigningKeys tells whether the database holds keys that somebody has sealed.
func HasSigningKeys(ctx context.Context, s *store.Store) (bool, error) {
	var n int64
	err := s.Read(ctx, store.System(), func(tx *store.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM identity_keys`).Scan(&n)
	})
	if err != nil {
		return false, fmt.Errorf("looking for signing keys: %w", err)
	}
	return n > 0, nil
}

// JWKS is the public keys as a JSON Web Key Set (RFC 7517 §5): those that sign
// and those whose tokens have not all expired. A shared secret is not in it.
func (s *Service) JWKS(ctx context.Context) ([]byte, error) {
	ring, err := s.keys.refresh(ctx, time.Minute)
	if err != nil {
		return nil, err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, id := range sortedKeys(ring.keys) {
		if s.cfg.Now().Before(ring.keys[id].until) {
			set.Keys = append(set.Keys, ring.keys[id].public)
		}
	}
	return strictjson.Marshal(set)
}

// signES256 signs deterministically (RFC 6979), so that a repeated refresh gets
// the same token, and writes R and S side by side (RFC 7518 §3.4).
func signES256(key *ecdsa.PrivateKey, input []byte) ([]byte, error) {
	sum := sha256.Sum256(input)
	der, err := key.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return joseSignature(der)
}
