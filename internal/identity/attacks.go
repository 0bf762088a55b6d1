package identity

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	attackWindow    = 15 * time.Minute // in which failures are counted, as the login budgets do
	attackFailures  = 10               // failures from which an account is under attack,
	attackAddresses = 3                // if they came from so many addresses
	attackAccounts  = 10_000           // accounts that are remembered
	firstDelay      = 250 * time.Millisecond
	longestDelay    = 4 * time.Second
	maxDelayed      = 1024 // logins that are held up at one time
)

// attacks counts failed logins by account over all addresses. An account that
// many addresses try is slowed for addresses that it does not know, and never
// locked: a lock would be the attacker's to turn. Unknown accounts are counted
// alike, or the delay would tell which ones exist.
type attacks struct {
	now func() time.Time

	mu      sync.Mutex
	seen    map[[sha256.Size]byte]*attack
	delayed int
}

type attack struct {
	since     time.Time
	failures  int
	addresses map[string]struct{}
	reported  bool
}

func newAttacks(now func() time.Time) *attacks {
	return &attacks{now: now, seen: map[[sha256.Size]byte]*attack{}}
}

// delay is how long a login to the account has to wait.
func (a *attacks) delay(account [sha256.Size]byte) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.seen[account]
	if at == nil || a.over(at) || !at.serious() {
		return 0
	}
	d := firstDelay
	for over := at.failures - attackFailures; over >= 5 && d < longestDelay; over -= 5 {
		d *= 2
	}
	return min(d, longestDelay)
}

// enter takes one of the places in which a login is held up. false is a 503:
// waiting costs a connection, and there must be an end to it.
func (a *attacks) enter() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.delayed >= maxDelayed {
		return false
	}
	a.delayed++
	return true
}

func (a *attacks) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.delayed--
}

// failed counts a failure and tells whether it is the one that makes an attack,
// which is reported once in a window.
func (a *attacks) failed(account [sha256.Size]byte, address string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.seen[account]
	if at == nil || a.over(at) {
		a.makeRoom()
		at = &attack{since: a.now(), addresses: map[string]struct{}{}}
		a.seen[account] = at
	}
	at.failures++
	if len(at.addresses) < attackAddresses {
		at.addresses[address] = struct{}{}
	}
	report := at.serious() && !at.reported
	at.reported = at.reported || report
	return report
}

func (at *attack) serious() bool {
	return at.failures >= attackFailures && len(at.addresses) >= attackAddresses
}

func (a *attacks) over(at *attack) bool { return a.now().Sub(at.since) >= attackWindow }

// makeRoom forgets the least of a few accounts, so that a flood of made-up names
// does not push out one that is under attack.
func (a *attacks) makeRoom() {
	if len(a.seen) < attackAccounts {
		return
	}
	var least [sha256.Size]byte
	looked, fewest := 0, -1
	for account, at := range a.seen { // the order of a map is random
		if a.over(at) {
			delete(a.seen, account)
			return
		}
		if fewest < 0 || at.failures < fewest {
			least, fewest = account, at.failures
		}
		if looked++; looked == 16 {
			break
		}
	}
	delete(a.seen, least)
}
