package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
)

// PasswordConfig sets what a hash costs. The zero value is the first choice of
// the OWASP Password Storage sheet: Argon2id, 19 MiB, two passes, one lane.
type PasswordConfig struct {
	Memory   uint32    // KiB; 19456 when 0
	Time     uint32    // passes; 2 when 0
	Parallel int       // hashes that are computed at one time; the number of CPUs when 0
	Queue    int       // callers that may wait for their turn; 16 for each of Parallel when 0
	Random   io.Reader // where salts come from; set by Config.Random
}

// ErrBusy is returned when too many passwords are being hashed already. It is a
// 503: the caller may come back in a second.
var ErrBusy = errors.New("too many passwords are waiting to be hashed")

const (
	saltSize = 16
	hashSize = 32
	// bcryptLimit is how much of a password bcrypt looks at. What stands behind
	// was never part of the imported secret.
	bcryptLimit = 72
	// maxBcryptCost keeps an imported hash from holding a CPU for minutes.
	maxBcryptCost = 14
)

// hasher computes and verifies hashes, so many at a time.
type hasher struct {
	cfg     PasswordConfig
	slots   chan struct{}
	waiting atomic.Int64
	cost    atomic.Int64 // the highest cost of a bcrypt hash that is still stored; 0 when there is none

	derive  func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
	compare func(hash, password []byte) error
}

func newHasher(cfg PasswordConfig) (*hasher, error) {
	if cfg.Memory == 0 {
		cfg.Memory = 19 << 10
	}
	if cfg.Time == 0 {
		cfg.Time = 2
	}
	if cfg.Parallel == 0 {
		cfg.Parallel = runtime.NumCPU()
	}
	if cfg.Queue == 0 {
		cfg.Queue = 16 * cfg.Parallel
	}
	if cfg.Parallel < 0 || cfg.Queue < 0 || cfg.Memory < 8 {
		return nil, errors.New("identity: Passwords has a negative or too small number")
	}
	return &hasher{
		cfg: cfg, slots: make(chan struct{}, cfg.Parallel),
		derive: argon2.IDKey, compare: bcrypt.CompareHashAndPassword,
	}, nil
}

// acquire waits for a turn: each hash holds its memory, and a crowd of logins
// must not take all there is.
func (h *hasher) acquire(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	if h.waiting.Add(1) > int64(h.cfg.Queue) {
		h.waiting.Add(-1)
		return ErrBusy
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hasher) release() { <-h.slots }

// hash returns password as a PHC string with the parameters of today.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	p := phc{memory: h.cfg.Memory, time: h.cfg.Time, threads: 1, salt: make([]byte, saltSize)}
	if _, err := io.ReadFull(h.cfg.Random, p.salt); err != nil {
		return "", fmt.Errorf("reading a salt: %w", err)
	}
	if err := h.acquire(ctx); err != nil {
		return "", err
	}
	defer h.release()
	p.key = h.derive([]byte(password), p.salt, p.time, p.memory, p.threads, hashSize)
	return p.String(), nil
}

// verdict is what a comparison found.
type verdict struct {
	ok    bool // the password is right
	stale bool // the hash should be made anew with the parameters of today
}

// verify compares password with a stored hash. Whatever the hash is, and also
// when there is none, the same work is done: one Argon2id, and one bcrypt as
// long as imported hashes are about. So the time tells nobody whether an
// account exists, is suspended or was imported.
func (h *hasher) verify(ctx context.Context, stored, password string) (verdict, error) {
	if err := h.acquire(ctx); err != nil {
		return verdict{}, err
	}
	defer h.release()
	imported := isBcrypt(stored)
	if imported {
		h.sawBcrypt(bcryptCost(stored))
	}
	p, err := parsePHC(stored)
	known := err == nil
	if !known {
		p = h.dummy()
	}
	key := h.derive([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.key)))
	same := subtle.ConstantTimeCompare(key, p.key) == 1
	okBcrypt := h.compareBcrypt(stored, password, imported)
	switch {
	case imported:
		return verdict{ok: okBcrypt, stale: len(password) <= bcryptLimit}, nil
	case known:
		return verdict{ok: same, stale: p.memory != h.cfg.Memory || p.time != h.cfg.Time || p.threads != 1}, nil
	default:
		return verdict{}, nil
	}
}

func (h *hasher) compareBcrypt(stored, password string, imported bool) bool {
	cost := h.cost.Load()
	if cost == 0 {
		return false
	}
	if !imported {
		stored = fmt.Sprintf("$2a$%02d$%s", cost, strings.Repeat("a", 53))
	}
	b := []byte(password)
	return h.compare([]byte(stored), b[:min(len(b), bcryptLimit)]) == nil && imported
}

// sawBcrypt raises the cost that the comparison of a hash of ours pays too.
func (h *hasher) sawBcrypt(cost int64) {
	for {
		old := h.cost.Load()
		if cost <= old || h.cost.CompareAndSwap(old, cost) {
			return
		}
	}
}

// dummy is what an unknown account is compared with.
func (h *hasher) dummy() phc {
	return phc{memory: h.cfg.Memory, time: h.cfg.Time, threads: 1, salt: make([]byte, saltSize), key: make([]byte, hashSize)}
}

// phc is a hash in the string format of the Password Hashing Competition.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

var phcBase64 = base64.RawStdEncoding.Strict()

// String writes $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads,
		phcBase64.EncodeToString(p.salt), phcBase64.EncodeToString(p.key))
}

func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, errors.New("not an Argon2id hash")
	}
	var p phc
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil || n != 3 {
		return phc{}, errors.New("not the parameters of an Argon2id hash")
	}
	var err error
	if p.salt, err = phcBase64.DecodeString(parts[4]); err != nil {
		return phc{}, errors.New("not the salt of an Argon2id hash")
	}
	if p.key, err = phcBase64.DecodeString(parts[5]); err != nil {
		return phc{}, errors.New("not the key of an Argon2id hash")
	}
	if p.memory < 8 || p.memory > 1<<20 || p.time < 1 || p.time > 16 || p.threads < 1 || len(p.salt) < 8 || len(p.key) < 16 || len(p.key) > 64 {
		return phc{}, errors.New("an Argon2id hash with parameters out of range")
	}
	return p, nil
}

// isBcrypt tells whether s is a bcrypt hash that other systems write: $2a$, $2b$
// or $2y$, a cost of two digits, 22 characters of salt and 31 of hash. $2x$ is
// the mark of a broken implementation.
func isBcrypt(s string) bool {
	if len(s) != 60 || s[0] != '$' || s[1] != '2' || !strings.ContainsRune("aby", rune(s[2])) || s[3] != '$' || s[6] != '$' {
		return false
	}
	for _, b := range []byte(s[7:]) {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && b != '.' && b != '/' {
			return false
		}
	}
	cost := bcryptCost(s)
	return cost >= int64(bcrypt.MinCost) && cost <= maxBcryptCost
}

func bcryptCost(s string) int64 {
	a, b := s[4]-'0', s[5]-'0'
	if a > 9 || b > 9 {
		return 0
	}
	return int64(a)*10 + int64(b)
}
