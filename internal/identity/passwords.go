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
	p, err := h.today()
	if err != nil {
		return "", err
	}
	if err := h.acquire(ctx); err != nil {
		return "", err
	}
	defer h.release()
	p.key = h.keyOf(password, p, hashSize)
	return p.String(), nil
}

// today is a hash to be computed, with the parameters of today and a new salt.
func (h *hasher) today() (phc, error) {
	p := phc{memory: h.cfg.Memory, time: h.cfg.Time, threads: 1, salt: make([]byte, saltSize)}
	if _, err := io.ReadFull(h.cfg.Random, p.salt); err != nil {
		return phc{}, fmt.Errorf("reading a salt: %w", err)
	}
	return p, nil
}

func (h *hasher) keyOf(password string, p phc, size int) []byte {
	return h.derive([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(size))
}

// verdict is what a comparison found.
type verdict struct {
	ok    bool   // the password is right
	fresh string // with ok, a hash of the parameters of today to keep instead; "" when what is stored is one
}

// verify compares password with a stored hash. Whatever the hash is, also when
// there is none, and whether the password is right, the same work is done: one
// Argon2id with the parameters of today, and one bcrypt of the highest cost
// among imported hashes, or several that add up to it. So the time tells nobody
// whether an account exists, is suspended, was imported or was just found. The
// Argon2id that an imported hash does not need makes the one that replaces it.
// Only a hash that an older program made with other parameters costs its own
// work besides; none is imported.
func (h *hasher) verify(ctx context.Context, stored, password string) (verdict, error) {
	p, err := h.today()
	if err != nil {
		return verdict{}, err
	}
	if err := h.acquire(ctx); err != nil {
		return verdict{}, err
	}
	defer h.release()
	own, err := parsePHC(stored)
	known, size := err == nil, hashSize
	current, same := known && own.sameWork(p), false
	switch {
	case current:
		p.salt, size = own.salt, len(own.key)
	case known:
		same = subtle.ConstantTimeCompare(h.keyOf(password, own, len(own.key)), own.key) == 1
	}
	p.key = h.keyOf(password, p, size)
	okBcrypt := h.compareBcrypt(stored, password)
	switch {
	case current:
		return verdict{ok: subtle.ConstantTimeCompare(p.key, own.key) == 1}, nil
	case same, okBcrypt && len(password) <= bcryptLimit:
		return verdict{ok: true, fresh: p.String()}, nil
	default:
		return verdict{ok: okBcrypt}, nil
	}
}

// compareBcrypt compares password with stored when that is a bcrypt hash, and
// pays what is left up to the highest cost in any case.
func (h *hasher) compareBcrypt(stored, password string) bool {
	b := []byte(password)
	b = b[:min(len(b), bcryptLimit)]
	ok, own := false, int64(0)
	if isBcrypt(stored) {
		own = bcryptCost(stored)
		h.sawBcrypt(own)
		ok = h.compare([]byte(stored), b) == nil
	}
	for _, cost := range leftToPay(own, h.cost.Load()) {
		_ = h.compare(fmt.Appendf(nil, "$2a$%02d$%s", cost, strings.Repeat("a", 53)), b) // nobody's hash
	}
	return ok
}

// checkImported refuses an Argon2id hash whose work would differ from that of
// everybody else: there is no paying the difference, as there is for bcrypt.
func (h *hasher) checkImported(hash string) Faults {
	if isBcrypt(hash) {
		return nil
	}
	p, err := parsePHC(hash)
	if err != nil {
		return Faults{{"passwordHash", "format", "must be a bcrypt hash of cost 4 to 14 or an Argon2id PHC string"}}
	}
	if ours := (phc{memory: h.cfg.Memory, time: h.cfg.Time, threads: 1}); !p.sameWork(ours) {
		return Faults{{"passwordHash", "parameters", fmt.Sprintf("has the Argon2id parameters %s, and only %s are taken: "+
			"the time of a login would tell whose hash it is; invite the member instead", p.parameters(), ours.parameters())}}
	}
	return nil
}

// leftToPay are the costs of the comparisons that, after one of cost paid, make
// the work that of one of the highest cost. Each cost is twice the work of the
// one below it, so the costs from paid up to the highest are the difference.
// Nothing was paid when paid is 0.
func leftToPay(paid, highest int64) []int64 {
	if paid == 0 && highest > 0 {
		return []int64{highest}
	}
	var costs []int64
	for ; paid < highest; paid++ {
		costs = append(costs, paid)
	}
	return costs
}

// sawBcrypt raises the cost that every comparison pays.
func (h *hasher) sawBcrypt(cost int64) {
	for {
		old := h.cost.Load()
		if cost <= old || h.cost.CompareAndSwap(old, cost) {
			return
		}
	}
}

// phc is a hash in the string format of the Password Hashing Competition.
type phc struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

// sameWork tells whether two hashes have the same parameters.
func (p phc) sameWork(q phc) bool {
	return p.memory == q.memory && p.time == q.time && p.threads == q.threads
}

var phcBase64 = base64.RawStdEncoding.Strict()

// String writes $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$%s$%s$%s", argon2.Version, p.parameters(),
		phcBase64.EncodeToString(p.salt), phcBase64.EncodeToString(p.key))
}

func (p phc) parameters() string { return fmt.Sprintf("m=%d,t=%d,p=%d", p.memory, p.time, p.threads) }

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
