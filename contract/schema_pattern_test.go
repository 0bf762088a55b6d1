package contract

import (
	"strconv"
	"strings"
	"testing"
)

// TestPatternsMeanWhatTheyMeanInECMA262: with the flag u, as JSON Schema core §6.4
// wants them.
func TestPatternsMeanWhatTheyMeanInECMA262(t *testing.T) {
	for pattern, c := range map[string]struct {
		yes, no []string
	}{
		`^\u00e9$`:                      {[]string{"é"}, []string{"e"}},
		`^\u00E91$`:                     {[]string{"é1"}, []string{"é"}},
		`^\ud83d\ude00$`:                {[]string{"😀"}, []string{"x", "\ufffd", ""}},
		`^[\uD83D\uDE00-\uD83D\uDE02]$`: {[]string{"😀", "😁"}, []string{"😃", "-"}},
		`^\ud83dx$`:                     {nil, []string{"😀x", "x"}},
		`^.$`:                           {[]string{"x", "\t", "\v", "\u0085", "😀"}, []string{"\n", "\r", "\u2028", "\u2029", ""}},
		`^[.]\.$`:                       {[]string{".."}, []string{"x.", "\n."}},
		`^\u{1F600}$`:                   {[]string{"😀"}, []string{"x"}},
		`^\u{0001F600}$`:                {[]string{"😀"}, []string{"x"}},
		`^\u{41}}$`:                     {[]string{"A}"}, []string{"A"}},
		`^[\b]\b$`:                      {nil, []string{"\b", "b"}},
		`^[\b]a\b$`:                     {[]string{"\ba"}, []string{"ba"}},
		`^\cJ$`:                         {[]string{"\n"}, []string{"J"}},
		`^\cA\cz\cp$`:                   {[]string{"\x01\x1a\x10"}, nil},
		`^\s$`:                          {[]string{" ", "\v", "\u00a0", "\u2028", "\ufeff"}, []string{"x"}},
		`^\sx$`:                         {[]string{" x"}, []string{" "}},
		`^[\sx]$`:                       {[]string{" ", "x", "\u3000"}, []string{"y"}},
		`^\S$`:                          {[]string{"x", "\u200b", "!", "\U0001f600"}, []string{"\u00a0", " ", "\v"}},
		`^[\Sx]$`:                       {[]string{"x", "y", "\x00"}, []string{"\u00a0", " ", "\u2029", "\v"}},
		`^[\s\S]$`:                      {[]string{"x", "\u00a0", "\v"}, []string{""}},
		`^\d$`:                          {[]string{"1"}, []string{"\u0661"}},
		`^a\/b$`:                        {[]string{"a/b"}, nil},
		`^[]$`:                          {nil, []string{"", "]"}},
		`^[]|b$`:                        {[]string{"b", "ab"}, []string{"]", "a"}},
		`^[^]$`:                         {[]string{"\n", "x"}, []string{""}},
		`^[^]]$`:                        {[]string{"\n]"}, []string{"\n"}},
		`^[^a]$`:                        {[]string{"b"}, []string{"a"}},
		`^[[]$`:                         {[]string{"["}, []string{"]"}},
		`^[a[^]$`:                       {[]string{"a", "[", "^"}, []string{"]"}},
		`^[(?i)][]|c]$`:                 {[]string{"c]"}, []string{"C]", "i", "("}},
		`^[\]a][\s]$`:                   {[]string{"] ", "a\u00a0"}, []string{"a"}},
		`^[^\]][]?$`:                    {[]string{"a"}, []string{"]"}},
		`^a$`:                           {[]string{"a"}, []string{"a\n", "b\na"}},
		`^\p{Letter}$`:                  {[]string{"é"}, []string{"1"}},
		`^(?<n>a)(?:b)$`:                {[]string{"ab"}, nil},
		`^\(?P$`:                        {[]string{"(P", "P"}, nil},
		`^é\.$`:                         {[]string{"é."}, []string{"éx"}},
	} {
		re, err := compilePattern(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		for _, s := range c.yes {
			if !re.MatchString(s) {
				t.Errorf("%s does not match %q", pattern, s)
			}
		}
		for _, s := range c.no {
			if re.MatchString(s) {
				t.Errorf("%s matches %q", pattern, s)
			}
		}
	}
}

// TestLookaheadsAtTheBeginning: they are asked of what follows from there and
// consume nothing (ECMA-262 §22.2.2.4, Assertion).
func TestLookaheadsAtTheBeginning(t *testing.T) {
	for pattern, c := range map[string]struct {
		yes, no []string
	}{
		`^(?=.*[A-Z])(?=.*\d).{8,}$`:       {[]string{"Passw0rd", "0000000A", "Äbcdefg1Z"}, []string{"password1", "PASSWORD", "Passw0r", "Passw0rd\n", "Pass\nw0rd"}},
		`^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$`:   {[]string{"1", "-1.5", "+.5", "007.", "1."}, []string{"", "-", "+.", ".", "1e5", "1.5.2", "--1"}},
		`^(?!\s*$).+`:                      {[]string{"a", " a"}, []string{"", " ", "\u3000\t"}},
		`^(?!.*\.\.)[a-z.]+$`:              {[]string{"a.b", "."}, []string{"a..b", "..", "A"}},
		`^(?=a)b|c$`:                       {[]string{"c", "xc"}, []string{"ab", "b", "cx"}},
		`x|^(?=a|b)(?!ab)\w+$`:             {[]string{"x", "?x", "ba", "ac"}, []string{"ab", "ca", "a?"}},
		`^((?=.*\d)(?=.*[a-z]).{6,20})$`:   {[]string{"abcde1"}, []string{"abcdef", "123456", "ab1", "abcdefghijklmnopqrst1"}},
		`^(?:(?:(?=.*\d))(?=.*a)).{2}`:     {[]string{"a1", "1a?"}, []string{"aa", "11", "a"}},
		`^(?=(?=a)(?!ab).)[a-z]+$`:         {[]string{"a", "ac"}, []string{"ab", "b", ""}},
		`^(?=.{1,2000}$)[a-z]+$`:           {[]string{"a", strings.Repeat("a", 2000)}, []string{"", strings.Repeat("a", 2001)}},
		`^(?!b)a{0}$`:                      {[]string{""}, []string{"a", "b"}},
		`^(?!^(?=a).b$)..$`:                {[]string{"ac", "bb"}, []string{"ab", "a"}},
		`^(?!a)[|()]$`:                     {[]string{"|", "(", ")"}, []string{"a", "b", ""}},
		`^(?=a)b|`:                         {[]string{"", "b", "ab"}, nil},
		`^|^(?=a)b`:                        {[]string{"", "b", "ab"}, nil},
		`^(?=a)(ab)*$`:                     {[]string{"ab", "abab"}, []string{"", "b", "aba"}},
		`^(?=a)\*?.$`:                      {[]string{"a"}, []string{"", "*", "*a"}},
		`^()(?:)(?=a).$`:                   {[]string{"a"}, []string{"", "b"}},
		`^(?=a)`:                           {[]string{"a", "ab"}, []string{"", "ba"}},
		`^(?=)$`:                           {[]string{""}, []string{"a"}},
		`^(?!)a$`:                          {nil, []string{"", "a"}},
		`^(?=[)])(?=[^(?=]).$`:             {[]string{")"}, []string{"(", "", "))"}},
		`^(?=\))(?![\]]).$`:                {[]string{")"}, []string{"]", "("}},
		`^(?=a$|b)[ab]+`:                   {[]string{"a", "ba", "bb"}, []string{"ab", "aa"}},
		`^(?=(a|b)c)..$`:                   {[]string{"ac", "bc"}, []string{"ab", "cc", "acc"}},
		`^.{1,2000}$`:                      {[]string{"a", strings.Repeat("é", 2000)}, []string{"", strings.Repeat("é", 2001), "\n"}},
		`^[\s\S]{1001}$`:                   {[]string{strings.Repeat("\n", 1001)}, []string{strings.Repeat("\n", 1000), strings.Repeat("\n", 1002)}},
		`^\w{1500,}?$`:                     {[]string{strings.Repeat("a", 1500)}, []string{strings.Repeat("a", 1499), strings.Repeat("a", 1499) + "?"}},
		`^[a\]]{0,1001}$|^b{1002}$`:        {[]string{"", "a]", strings.Repeat("b", 1002)}, []string{strings.Repeat("b", 1001), strings.Repeat("]", 1002)}},
		`^(?=.*\d)\ud83d\ude00{1,2000}.?$`: {nil, nil},
	} {
		re, err := compilePattern(pattern)
		if err != nil {
			if c.yes != nil || c.no != nil {
				t.Errorf("%s: %v", pattern, err)
			}
			continue
		}
		if c.yes == nil && c.no == nil {
			t.Errorf("%s is taken", pattern)
		}
		for _, s := range c.yes {
			if !re.MatchString(s) {
				t.Errorf("%s does not match %q", pattern, s)
			}
		}
		for _, s := range c.no {
			if re.MatchString(s) {
				t.Errorf("%s matches %q", pattern, s)
			}
		}
		if re.String() != pattern {
			t.Errorf("%s calls itself %s", pattern, re)
		}
	}
}

// TestPatternsAreToldAsTheyStand: not as RE2 has them.
func TestPatternsAreToldAsTheyStand(t *testing.T) {
	for _, pattern := range []string{`^\S.$`, `^(?=a)\u{61}$`, `^[^]{1,2000}$`} {
		text := `{"pattern":` + strconv.Quote(pattern) + `UNEVALUATED}`
		for _, library := range []string{"", `,"unevaluatedItems":true`} {
			s := mustSchema(t, strings.Replace(text, "UNEVALUATED", library, 1))
			if got := brief(s.Validate("")); got != "pattern: must match the pattern "+pattern {
				t.Errorf("%s: %s", pattern, got)
			}
		}
	}
	for pattern, fix := range map[string]string{
		`a(?=b)`:         "; write it without lookbehind, back-references, and lookahead but right after ^ (RE2 syntax)",
		`^(ab){1,2000}$`: "RE2 does not count beyond 1000; state minLength and maxLength in place of the repeat, which is understood for one character between ^ and $ alone",
	} {
		if _, err := CompileSchema(map[string]any{"pattern": pattern}); err == nil || !strings.HasSuffix(err.Error(), fix) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

// TestPatternsThatAreRefused: what ECMA-262 does not know, or means otherwise than
// RE2, and what RE2 does not know.
func TestPatternsThatAreRefused(t *testing.T) {
	for _, pattern := range []string{
		`\a`, `\A`, `\z`, `\Z`, `\Qa\E`, `\E`, `\C`, `\X`, `\R`, `\h`, `\H`, `\K`, `\é`, `\8`, `(?P<n>a)`, `(?i)a`, `(?-s)a`, `(?imsU)a`,
		`\u`, `\u00`, `\u{}`, `\u{g}`, `\u{110000}`, `\c`, `\c1`, `\`, `[`, `[a`, `]\`, `(`, `(?=a)`, `(?<!a)`, `^(?=a)*b`, `^(?=a)+`, `^(?!a)?`, `^(?=a){2}`, `^b(?=a)`, `^(?=b(?=a))`, `^(?<=a)`, `^(?=a)b(?!c)`,
		`^((?=a)b)*$`, `^((?=a)b|c)$`, `^(?=a`, `^(?=a)(`, `^(?=[)`, `a|(?=b)`, `^(ab){1001}$`, `^a{1001}b$`, `a{1001}$`, `ab{1001}$`, `^{1001}$`, `^${1001}$`, `^]{1001}$`, `^(?)`, `(?)a`, `^(?<(?=a)n>b)`, `^(?i(?=a):b)`, `^\b{1001}$`, `^\B{1001}$`, `^[a{1001}$`, `^[a$`, `^[$`, `^a{1001,0}$`, `^a{2001,2000}$`, `^a{1,9999999999}$`, `^(?=(?<!a))`,
		`^(?=(a))\1`, `(a)\1`, `(?<n>a)\k<n>`, `a**`,
	} {
		if re, err := compilePattern(pattern); err == nil {
			t.Errorf("%s is taken for %s", pattern, re)
		}
	}
}
