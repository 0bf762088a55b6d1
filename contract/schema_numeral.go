package contract

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// numeral is a number by its digits, without zeros at either end: equal numbers are
// equal decimals, and nothing about one takes longer than reading it. A few bytes
// of exponent can stand for hundreds of digits, which are never written out here.
type numeral struct {
	negative bool
	digits   string // "" is zero
	exponent int    // of the last digit
}

func numeralOf(n json.Number) numeral {
	var d numeral
	text, rest := string(n), ""
	if i := strings.IndexAny(text, "eE"); i > 0 {
		text, rest = text[:i], text[i+1:]
	}
	text, d.negative = strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(text, ".")
	fraction = strings.TrimRight(fraction, "0")
	switch {
	case fraction == "":
		d.digits = strings.TrimRight(whole, "0")
		d.exponent = len(whole) - len(d.digits)
	case strings.Trim(whole, "0") == "":
		d.digits, d.exponent = fraction, -len(fraction)
	default:
		d.digits, d.exponent = whole+fraction, -len(fraction)
	}
	if d.digits = strings.TrimLeft(d.digits, "0"); d.digits == "" {
		return numeral{}
	}
	if rest != "" {
		e, err := strconv.Atoi(rest)
		if err != nil { // strictjson takes no such number: it equals itself alone
			d.digits += "e" + rest
		}
		d.exponent += e
	}
	return d
}

// beyond is an exponent that strictjson lets nobody send, and that a program has no
// reason to hand over.
const beyond = 1000

// whole tells whether the number is an integer (JSON Schema core §4.2.3).
func (d numeral) whole() bool { return d.exponent >= 0 && d.exponent < beyond }

// maxWritten is how many digits an integer may have that is written out for its
// readers. A longer one stays as it was sent, or a body would grow by a hundred
// times on its way to the handler.
const maxWritten = 40

// written is an integer in digits alone, false for what is none or too long.
func (d numeral) written() (json.Number, bool) {
	if !d.whole() || len(d.digits)+d.exponent > maxWritten {
		return "", false
	}
	if d.digits == "" {
		return "0", true
	}
	text := d.digits + strings.Repeat("0", d.exponent)
	if d.negative {
		text = "-" + text
	}
	return json.Number(text), true
}

// divisor is what numbers are to be a multiple of.
type divisor struct {
	*big.Rat
	numeral
	units uint64 // the digits as a number, 0 for one too large to count with
}

func newDivisor(r *big.Rat) *divisor {
	if r == nil {
		return nil
	}
	d := &divisor{Rat: r, numeral: numeralOf(json.Number(ratText(r)))}
	if units, err := strconv.ParseUint(d.digits, 10, 32); err == nil {
		d.units = units
	}
	return d
}

// divides tells whether n is a multiple, exactly.
func (d *divisor) divides(n json.Number) bool {
	of := numeralOf(n)
	if of.digits == "" {
		return true
	}
	tens := of.exponent - d.exponent
	if tens < 0 || of.exponent >= beyond { // n goes on where its divisor has no digits left, and ends in no zero
		return false
	}
	if d.units == 0 {
		r, ok := rat(n)
		return ok && r.Quo(r, d.Rat).IsInt()
	}
	left := uint64(0)
	for _, digit := range []byte(of.digits) {
		left = (left*10 + uint64(digit-'0')) % d.units
	}
	for ; tens > 0 && left != 0; tens-- {
		left = left * 10 % d.units
	}
	return left == 0
}
