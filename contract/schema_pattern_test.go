package contract

import "testing"

// TestPatternsMeanWhatTheyMeanInECMA262: with the flag u, as JSON Schema core §6.4
// wants them.
func TestPatternsMeanWhatTheyMeanInECMA262(t *testing.T) {
	for pattern, c := range map[string]struct {
		yes, no []string
	}{
		`^\u00e9$`:       {[]string{"é"}, []string{"e"}},
		`^\u00E91$`:      {[]string{"é1"}, []string{"é"}},
		`^\u{1F600}$`:    {[]string{"😀"}, []string{"x"}},
		`^\u{41}}$`:      {[]string{"A}"}, []string{"A"}},
		`^\cJ$`:          {[]string{"\n"}, []string{"J"}},
		`^\cA\cz\cp$`:    {[]string{"\x01\x1a\x10"}, nil},
		`^\s$`:           {[]string{" ", "\v", "\u00a0", "\u2028", "\ufeff"}, []string{"x"}},
		`^\sx$`:          {[]string{" x"}, []string{" "}},
		`^[\sx]$`:        {[]string{" ", "x", "\u3000"}, []string{"y"}},
		`^\S$`:           {[]string{"x", "\u200b", "!", "\U0001f600"}, []string{"\u00a0", " ", "\v"}},
		`^[\Sx]$`:        {[]string{"x", "y", "\x00"}, []string{"\u00a0", " ", "\u2029", "\v"}},
		`^[\s\S]$`:       {[]string{"x", "\u00a0", "\v"}, []string{""}},
		`^\d$`:           {[]string{"1"}, []string{"\u0661"}},
		`^a\/b$`:         {[]string{"a/b"}, nil},
		`^[]$`:           {nil, []string{"", "]"}},
		`^[]|b$`:         {[]string{"b", "ab"}, []string{"]", "a"}},
		`^[^]$`:          {[]string{"\n", "x"}, []string{""}},
		`^[^]]$`:         {[]string{"\n]"}, []string{"\n"}},
		`^[^a]$`:         {[]string{"b"}, []string{"a"}},
		`^[[]$`:          {[]string{"["}, []string{"]"}},
		`^[a[^]$`:        {[]string{"a", "[", "^"}, []string{"]"}},
		`^[(?i)][]|c]$`:  {[]string{"c]"}, []string{"C]", "i", "("}},
		`^[\]a][\s]$`:    {[]string{"] ", "a\u00a0"}, []string{"a"}},
		`^[^\]][]?$`:     {[]string{"a"}, []string{"]"}},
		`^a$`:            {[]string{"a"}, []string{"a\n", "b\na"}},
		`^\p{Letter}$`:   {[]string{"é"}, []string{"1"}},
		`^(?<n>a)(?:b)$`: {[]string{"ab"}, nil},
		`^\(?P$`:         {[]string{"(P", "P"}, nil},
		`^é\.$`:          {[]string{"é."}, []string{"éx"}},
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

// TestPatternsThatAreRefused: what ECMA-262 does not know, or means otherwise than
// RE2, and what RE2 does not know.
func TestPatternsThatAreRefused(t *testing.T) {
	for _, pattern := range []string{
		`\a`, `\A`, `\z`, `\Z`, `\Qa\E`, `\E`, `\C`, `\X`, `\R`, `\h`, `\H`, `\K`, `\é`, `\8`, `(?P<n>a)`, `(?i)a`, `(?-s)a`, `(?imsU)a`,
		`\u`, `\u00`, `\u{}`, `\u{g}`, `\u{110000}`, `\c`, `\c1`, `\`, `[`, `[a`, `]\`, `(`, `(?=a)`, `(?<!a)`, `(a)\1`, `(?<n>a)\k<n>`, `a**`,
	} {
		if re, err := compilePattern(pattern); err == nil {
			t.Errorf("%s is taken for %s", pattern, re)
		}
	}
}
