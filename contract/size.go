package contract

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ParseSize reads a number of bytes: a plain integer, or one with KB, MB, GB
// (powers of 1000) or KiB, MiB, GiB (powers of 1024) behind it. The unit may
// stand in any case, for "10 kB" is how people write it.
func ParseSize(text string) (int64, error) {
	digits := strings.TrimSpace(text)
	factor := int64(1)
	for _, u := range []struct {
		suffix string
		factor int64
	}{
		{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30},
		{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"b", 1},
	} {
		if rest, ok := strings.CutSuffix(strings.ToLower(digits), u.suffix); ok {
			digits, factor = strings.TrimRight(rest, " "), u.factor
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	switch {
	case errors.Is(err, strconv.ErrRange), int64(n) > math.MaxInt64/factor:
		return 0, fmt.Errorf("the size %q is too large", text)
	case err != nil:
		return 0, fmt.Errorf("%q is not a size; write one as 100KB, 1MB or 64KiB", text)
	}
	return int64(n) * factor, nil
}
