package contract

import (
	"strings"
	"testing"
)

// TestFormats adds to the official suite, which it does not repeat, the limits
// that the RFCs set and the ways round them.
func TestFormats(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	host251 := strings.Repeat(long(62)+".", 3) + long(62)
	for format, c := range map[string]struct{ yes, no []string }{
		"int32":  {[]string{`2147483647`, `-2147483648`, `-2.147483648e9`, `"x"`}, []string{`2147483648`, `-2147483649`, `2147483648.0`, `1.5`}},
		"int64":  {[]string{`9223372036854775807`, `-9223372036854775808.0`, `null`}, []string{`9223372036854775808`, `-1e19`, `0.1`}},
		"float":  {[]string{`3.4028234e38`, `-1e-40`, `"1e39"`}, []string{`1e39`, `-3.5e38`}},
		"double": {[]string{`1.7976931348623157e308`, `1e39`, `"x"`}, nil},
		"byte":   {[]string{`"aGk="`, `""`, `1`}, []string{`"aGk"`, `"aGl="`, `"aG k="`, `"-_-_"`}},
		"ipv4":   {[]string{`"192.0.2.1"`, `{}`}, []string{`"2001:db8::1"`, `"192.0.2"`, `"192.0.2.01"`, `""`}},
		"ipv6":   {[]string{`"2001:db8::1"`, `"::ffff:192.0.2.1"`}, []string{`"192.0.2.1"`, `"fe80::1%eth0"`, `""`}},
		"hostname": {
			[]string{`"a"`, `"A-Z.0-9"`, `"xn--4gbwdl.XN--a"`, `"a-b--c"`, `"` + long(63) + `"`, `"` + host251 + `.a"`},
			[]string{`""`, `"."`, `"a..b"`, `"a."`, `"-a"`, `"a-"`, `"a_b"`, `"a/b"`, `"a@b"`, `"a:b"`, `"é"`, `"ab--c"`, `"xb--c"`, `"an--c"`, `"xn--"`,
				`"` + long(64) + `"`, `"` + host251 + `.ab"`},
		},
		"email": {
			[]string{`"a@b"`, `"a.b+c!#$%&'*/=?^_{|}~-@b.example"`, `"\" @\\\\\\\"\"@b"`, `"\"\"@b"`, `"a@[192.0.2.1]"`, `"a@[IPv6:2001:db8::1]"`,
				`"` + long(64) + `@b"`, `"aa@` + host251 + `"`},
			[]string{`"@b"`, `"a"`, `"a@"`, `".a@b"`, `"a.@b"`, `"a..b@c"`, `"a b@c"`, `"a,b@c"`, `"(a)@b"`, `"a@b@c"`, `"é@b"`, `"a@é"`, `"a@b_c"`,
				`"\"@b"`, `"\"a\"b@c"`, `"a\"@b"`, `"\"a\"\"@b"`, `"\"\\\"@b"`, `"\"\u0007\"@b"`, `"\"\u007f\"@b"`, `"\"é\"@b"`,
				`"a@[192.0.2.1"`, `"a@192.0.2.1]"`, `"a@[192.0.2]"`, `"a@[2001:db8::1]"`, `"a@[IPv6:192.0.2]"`, `"a@[IPv6:fe80::1%eth0]"`,
				`"` + long(65) + `@b"`, `"aaa@` + host251 + `"`},
		},
		"idn-email": {
			[]string{`"é@` + host251 + `"`, `"é.ü@ö.example"`, `"\u0080@b"`, `"\uff1f\uff21@b"`, `"\"é\"@b"`, `"` + strings.Repeat("é", 32) + `@b"`},
			[]string{`"a\uff20b"`, `"a\uff20b@c"`, `"\u007f@b"`, `"é é@b"`, `"a` + strings.Repeat("é", 32) + `@b"`,
				`"aé@` + host251 + `"`},
		},
		"uri": {
			[]string{`"http://a"`, `"a:"`, `"a+-.1:b"`, `"http://u:p@a:80/p;x?q[]=1&r=:@/?#f/?:@"`, `"http://[::1]:8080/"`, `"http://[::1]"`, `"http://[v1.a:b]/"`, `"http://a:"`,
				`"file:///etc"`, `"urn:a:b:c"`, `"mailto:a@b"`, `"http://%61/%C3%a9"`, `"a://b//c"`, `"a:b://c"`},
			[]string{`""`, `"a"`, `"/a"`, `"//a"`, `"a/b:c"`, `"?a:b"`, `"#a:b"`, `":a"`, `"1a:b"`, `"a_b:c"`, `"é:a"`, `"http://é"`, `"http://a b"`, `"http://a\u007f"`, `"http://a\\b"`, `"a:{b}"`, `"a:|"`, `"a:^"`, "\"a:`\"", `"a:<>"`, `"a:\""`,
				`"http://a/%"`, `"http://a/%a"`, `"http://a/%g0"`, `"http://a/%0g"`, `"http://a/%2"`, `"a:b#c#d"`, `"http://a:b"`, `"http://a:1:2"`, `"http://a@b@c"`, `"http://a:1@b@c"`,
				`"http://[::1"`, `"http://::1]"`, `"http://[::1]a"`, `"http://a[::1]"`, `"http://[192.0.2.1]"`, `"http://[v1]"`, `"http://[a@::1]"`, `"http://[x]@a"`, `"http://a/[b]"`, `"a:[b]"`, `"http://[::1]:x"`},
		},
		"uri-reference": {
			[]string{`""`, `"a"`, `"/a"`, `"//a:80/b"`, `"?a"`, `"#a"`, `"a/b:c"`, `"./a:b"`, `"/a//b"`, `"http://a"`},
			[]string{`"a b"`, `"1:a"`, `":a"`, `"//a:b"`, `"//a[/b"`, `"é"`, `"a[b"`, `"%zz"`},
		},
		"iri":           {[]string{`"http://é.example/ü?ö#ä"`, `"http://ü@a"`, `"urn:\u0080"`}, []string{`"é:a"`, `"/é"`, `"http://a:é"`, `"http://é /"`}},
		"iri-reference": {[]string{`"é"`, `"/é%20"`}, []string{`"é b"`, `"é:b"`, `"%é"`}},
		"duration":      {[]string{`"P1Y2M3DT4H5M6S"`, `"P4W"`, `"PT1S"`, `"P1DT2H"`}, []string{`"P"`, `"PT"`, `"P1Y1D"`, `"P1W1D"`, `"P1S"`, `"1D"`, `"P-1D"`}},
	} {
		s := mustSchema(t, `{"format":"`+format+`"}`)
		for _, v := range c.yes {
			if f := s.Validate(value(t, v)); f != nil {
				t.Errorf("%s: %s is refused", format, v)
			}
		}
		for _, v := range c.no {
			if f := s.Validate(value(t, v)); f == nil {
				t.Errorf("%s: %s passes", format, v)
			}
		}
	}
}
