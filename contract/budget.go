package contract

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxRequests keeps a budget countable in 32 bits on every store.
const maxRequests = math.MaxInt32

// maxWindow is the longest window of a budget.
const maxWindow = 366 * 24 * time.Hour

// ParseBudget reads a budget:
//
//	<n>/<window>[ writes| failures][ per address|member|api-key|account(FIELD)|account(FIELD)+address][ fixed|sliding|bucket]
//
// The window is a Go duration of whole seconds, or whole days: "15m", "1h30m",
// "1d". Without "per" the address is counted, without an algorithm the window is
// fixed. The error says what is wrong and quotes no more than the word at fault.
func ParseBudget(name, text string) (Budget, error) {
	b := Budget{Name: name, Key: ByAddress, Algorithm: Fixed}
	words := strings.Fields(text)
	if len(words) == 0 {
		return Budget{}, errors.New("an empty budget; write one as 100/15m")
	}
	rate, window, ok := strings.Cut(words[0], "/")
	if !ok {
		return Budget{}, fmt.Errorf("%q is not calls/window; write one as 100/15m", words[0])
	}
	for _, err := range []error{b.parseRequests(rate), b.parseWindow(window), b.parseWords(words[1:])} {
		if err != nil {
			return Budget{}, err
		}
	}
	return b, nil
}

func (b *Budget) parseRequests(text string) error {
	n, err := strconv.ParseUint(text, 10, 31) // maxRequests is the largest of 31 bits
	switch {
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("%q calls are more than %d", text, maxRequests)
	case err != nil:
		return fmt.Errorf("%q is not a number of calls", text)
	case n == 0:
		return errors.New("a budget of 0 calls lets nobody in; leave the operation out instead")
	}
	b.Requests = int(n)
	return nil
}

func (b *Budget) parseWindow(text string) error {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 63) // the largest of 63 bits when it is larger
		d = min(time.Duration(n), maxWindow/time.Hour) * 24 * time.Hour
	}
	switch {
	case d > maxWindow:
		return fmt.Errorf("the window %q is longer than 366 days", text)
	case err != nil:
		return fmt.Errorf("%q is not a window; write one as 30s, 15m, 1h or 1d", text)
	case d < time.Second || d%time.Second != 0:
		return fmt.Errorf("the window %q is not a number of whole seconds, one at least", text)
	}
	b.Window = d
	return nil
}

// parseWords reads what follows the rate. Each part may stand once, in the
// order of the grammar.
func (b *Budget) parseWords(words []string) error {
	next := func() string {
		if len(words) == 0 {
			return ""
		}
		return words[0]
	}
	switch next() {
	case "writes":
		b.Writes, words = true, words[1:]
	case "failures":
		b.Failures, words = true, words[1:]
	}
	if next() == "per" {
		if len(words) < 2 {
			return errors.New("nothing follows \"per\"; write address, member, api-key, account(FIELD) or account(FIELD)+address")
		}
		if err := b.parseKey(words[1]); err != nil {
			return err
		}
		words = words[2:]
	}
	switch a := Algorithm(next()); a {
	case Fixed, Sliding, Bucket:
		b.Algorithm, words = a, words[1:]
	}
	if len(words) > 0 {
		return fmt.Errorf("%q has no place here; after the rate come writes or failures, then per ..., then fixed, sliding or bucket", words[0])
	}
	return nil
}

func (b *Budget) parseKey(text string) error {
	switch text {
	case string(ByAddress):
		return nil
	case string(ByMember), string(ByAPIKey):
		b.Key = BudgetKey(text)
		return nil
	}
	rest, ok := strings.CutPrefix(text, "account(")
	field, tail, closed := strings.Cut(rest, ")")
	if !ok || !closed || field == "" || strings.ContainsAny(field, "(+") {
		return fmt.Errorf("%q is nothing to count by; write address, member, api-key, account(FIELD) or account(FIELD)+address", text)
	}
	switch tail {
	case "":
		b.Key = ByAccount
	case "+address":
		b.Key = ByAccountAndAddress
	default:
		return fmt.Errorf("%q is nothing to count by; after account(FIELD) only +address may stand", text)
	}
	b.Account = field
	return nil
}

// String writes the budget as ParseBudget reads it, without its name.
func (b Budget) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d/%s", b.Requests, windowText(b.Window))
	switch {
	case b.Writes:
		s.WriteString(" writes")
	case b.Failures:
		s.WriteString(" failures")
	}
	switch b.Key {
	case ByMember, ByAPIKey:
		s.WriteString(" per " + string(b.Key))
	case ByAccount:
		fmt.Fprintf(&s, " per account(%s)", b.Account)
	case ByAccountAndAddress:
		fmt.Fprintf(&s, " per account(%s)+address", b.Account)
	default:
		s.WriteString(" per address")
	}
	if b.Algorithm != "" && b.Algorithm != Fixed {
		s.WriteString(" " + string(b.Algorithm))
	}
	return s.String()
}

// windowText writes whole days, hours, minutes or seconds: "15m", not "15m0s".
func windowText(d time.Duration) string {
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}}
	for _, u := range units {
		if d%u.size == 0 {
			return strconv.FormatInt(int64(d/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}
