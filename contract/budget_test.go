package contract

import (
	"testing"
	"time"
)

func TestParseBudget(t *testing.T) {
	for _, row := range []struct {
		text, canonical string
		want            Budget
	}{
		{"100/15m", "100/15m per address", Budget{"b", 100, 15 * time.Minute, ByAddress, false, false, "", Fixed}},
		{"2000/15m per address", "2000/15m per address", Budget{"b", 2000, 15 * time.Minute, ByAddress, false, false, "", Fixed}},
		{"1500/15m writes per address", "1500/15m writes per address", Budget{"b", 1500, 15 * time.Minute, ByAddress, true, false, "", Fixed}},
		{"30/1m per member sliding", "30/1m per member sliding", Budget{"b", 30, time.Minute, ByMember, false, false, "", Sliding}},
		{"100/1m writes per api-key bucket", "100/1m writes per api-key bucket", Budget{"b", 100, time.Minute, ByAPIKey, true, false, "", Bucket}},
		{"5/15m failures per account(email)+address", "5/15m failures per account(email)+address", Budget{"b", 5, 15 * time.Minute, ByAccountAndAddress, false, true, "email", Fixed}},
		{"5/1d failures per account(user.name) bucket", "5/1d failures per account(user.name) bucket", Budget{"b", 5, 24 * time.Hour, ByAccount, false, true, "user.name", Bucket}},
		{"1/90s fixed", "1/90s per address", Budget{"b", 1, 90 * time.Second, ByAddress, false, false, "", Fixed}},
		{"  10/1h30m   writes ", "10/90m writes per address", Budget{"b", 10, 90 * time.Minute, ByAddress, true, false, "", Fixed}},
		{"2147483647/366d", "2147483647/366d per address", Budget{"b", 1<<31 - 1, 366 * 24 * time.Hour, ByAddress, false, false, "", Fixed}},
	} {
		got, err := ParseBudget("b", row.text)
		if err != nil || got != row.want {
			t.Errorf("%q: %+v, %v; want %+v", row.text, got, err, row.want)
		}
		if got.String() != row.canonical {
			t.Errorf("%q is written %q, want %q", row.text, got, row.canonical)
		}
	}
}

func TestParseBudgetRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "100", "100/", "/15m", "a/15m", "0/15m", "-1/15m", "+1/15m", "1.5/15m", "2147483648/15m", "99999999999999999999/15m",
		"100/15", "100/0s", "100/-1m", "100/500ms", "100/1500ms", "100/367d", "100/1.5d", "100/d", "100/99999d", "100/9999999h",
		"100/15m per", "100/15m per ip", "100/15m per key", "100/15m per api-key+address", "100/15m per account", "100/15m per account()", "100/15m per account(a", "100/15m per account(a)b",
		"100/15m per account(a)+member", "100/15m per account(a(b))", "100/15m reads", "100/15m writes failures", "100/15m per member writes",
		"100/15m sliding per member", "100/15m fixed sliding", "100/15m per address per member", "100 / 15m",
	} {
		if got, err := ParseBudget("b", text); err == nil || got != (Budget{}) {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
	for text, want := range map[string]string{
		"2147483648/15m":              `"2147483648" calls are more than 2147483647`,
		"x/15m":                       `"x" is not a number of calls`,
		"1/31622401s":                 `the window "31622401s" is longer than 366 days`,
		"1/367d":                      `the window "367d" is longer than 366 days`,
		"1/9999999999999999999999d":   `the window "9999999999999999999999d" is longer than 366 days`,
		"1/xd":                        `"xd" is not a window; write one as 30s, 15m, 1h or 1d`,
		"1/0d":                        `the window "0d" is not a number of whole seconds, one at least`,
		"1/1m per ip)":                `"ip)" is nothing to count by; write address, member, api-key, account(FIELD) or account(FIELD)+address`,
		"1/1m per account(a+b)":       `"account(a+b)" is nothing to count by; write address, member, api-key, account(FIELD) or account(FIELD)+address`,
		"1/1m per account(a)+session": `"account(a)+session" is nothing to count by; after account(FIELD) only +address may stand`,
	} {
		if _, err := ParseBudget("b", text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestBudgetWithoutItsDefaults(t *testing.T) {
	if got := (Budget{Requests: 1, Window: time.Minute}).String(); got != "1/1m per address" {
		t.Errorf("got %q", got)
	}
}

func FuzzParseBudget(f *testing.F) {
	for _, text := range []string{"100/15m", "1/1s writes per member bucket", "5/15m failures per account(email)+address", "2/1d per account(a)", "x", "1/1h30m sliding"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := ParseBudget("n", text)
		if err != nil {
			return
		}
		if b.Requests < 1 || b.Window < time.Second || b.Writes && b.Failures {
			t.Fatalf("%q is read as %+v", text, b)
		}
		again, err := ParseBudget("n", b.String())
		if err != nil || again != b {
			t.Fatalf("%q: %+v is written %q and read as %+v, %v", text, b, b, again, err)
		}
	})
}
