package contract

import "testing"

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "100": 100, "10B": 10, "100KB": 100_000, "10 kB": 10_000, "1MB": 1_000_000, "2GB": 2_000_000_000,
		"64KiB": 65_536, "8mib": 8 << 20, "1GiB": 1 << 30, " 5 ": 5, "9223372036854775807": 1<<63 - 1,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestParseSizeRefuses(t *testing.T) {
	for _, text := range []string{"", "KB", "-1", "+1", "1.5MB", "1e3", "10XB", "10K", "0x10", "1 000", "9223372036854775808", "9007199254740993KiB", "10000000000GB", "1KBKB"} {
		if got, err := ParseSize(text); err == nil || got != 0 {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}
