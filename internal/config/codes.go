package config

// The codes of issues. A code keeps its meaning for ever; a retired one is not
// used again.
const (
	codeUnreadable    = "GH-CFG-001"
	codeSyntax        = "GH-CFG-002"
	codeShape         = "GH-CFG-003"
	codeEnvSyntax     = "GH-CFG-004"
	codeValue         = "GH-CFG-012"
	codeBoth          = "GH-CFG-013"
	codeUnknownKey    = "GH-CFG-014"
	codeUnknownName   = "GH-CFG-015"
	codeUnknownRisk   = "GH-CFG-016"
	codePassedOver    = "GH-CFG-017"
	codeNoEffect      = "GH-CFG-018"
	codeEnvironment   = "GH-CFG-019"
	codePlainHTTP     = "GH-CFG-030"
	codePublicURL     = "GH-CFG-031"
	codeOpenScheduler = "GH-CFG-032"
	codeTestOnly      = "GH-CFG-033"
	codeShortSecret   = "GH-CFG-034"
	codeKnownSecret   = "GH-CFG-035"
	codeNoSecret      = "GH-CFG-036"
	codeDatabaseRoles = "GH-CFG-037"
	codeDatabaseTLS   = "GH-CFG-038"
	codeDatabase      = "GH-CFG-039"
	codeCertificate   = "GH-CFG-040"
	codeDemo          = "GH-CFG-041"
	codeEverybody     = "GH-CFG-042"
	codeOrigin        = "GH-CFG-043"
	codeBudget        = "GH-CFG-044"
	codeUnusedSecret  = "GH-CFG-045"
	codeLifetimes     = "GH-CFG-046"
	codeAccepted      = "GH-CFG-047"
	codeMetrics       = "GH-CFG-048"
	codeRelaxed       = "GH-CFG-049"
	codeNoAPI         = "GH-CFG-050"
	codeRefused       = "GH-CFG-051"
	codePrivate       = "GH-CFG-052"
)

// Codes lists every code with what it means, in order: the rows of
// docs/reference/config-errors.md.
func Codes() [][2]string {
	return [][2]string{
		{codeUnreadable, "A file that was named cannot be read."},
		{codeSyntax, "The file is not well-formed YAML."},
		{codeShape, "The file is YAML, but not a tree of settings: no anchors, aliases, tags or merges, and one document."},
		{codeEnvSyntax, "A line of a .env file is not NAME=value."},
		{codeValue, "The value does not have the form that the setting needs."},
		{codeBoth, "A secret is stated twice, as itself and as a file, and it is not for us to guess which one is meant."},
		{codeUnknownKey, "A key that is misspelt would be a safeguard that is not there, so unknown keys are refused."},
		{codeUnknownName, "Names that begin with GATEHOUSE_ are settings; one that is misspelt would be passed over, so it is refused."},
		{codeUnknownRisk, "A risk is accepted by its exact name, so that nothing is accepted by mistake."},
		{codePassedOver, "Two names state the same setting; the one that is Gatehouse's own, or the more exact one, counts."},
		{codeNoEffect, "The name is known from the programs that Gatehouse replaces, and nothing in this version uses it."},
		{codeEnvironment, "The environment chooses which .env file is read, so that file cannot change it."},
		{codePlainHTTP, "Passwords and tokens would travel readable for everyone on the way."},
		{codePublicURL, "Without it the gate cannot tell its own name from one that an attacker put into Host."},
		{codeOpenScheduler, "Anyone who reaches the address may read and change bookings without signing in."},
		{codeTestOnly, "The setting exists for demonstrations and tests; in production it would break or slow the service."},
		{codeShortSecret, "A short secret can be found by trying."},
		{codeKnownSecret, "The secret stands in a tutorial, in documentation or in a list that attackers try first."},
		{codeNoSecret, "The chosen setting cannot work without this secret."},
		{codeDatabaseRoles, "Row-level security does not bind the role that owns the tables, so the application must not be that role."},
		{codeDatabaseTLS, "Without a verified certificate somebody on the way can read and change every row."},
		{codeDatabase, "The settings of the database contradict each other or are incomplete."},
		{codeCertificate, "TLS needs a certificate and its key, and both must be readable."},
		{codeDemo, "The demo prints passwords and accepts risks; it is for this machine only."},
		{codeEverybody, "Every client could then choose the address that limits and records believe."},
		{codeOrigin, "A page that travelled in the clear can be changed on the way, and would then call with its user's rights."},
		{codeBudget, "A budget under a name that no contract uses limits nothing."},
		{codeUnusedSecret, "A secret that nothing uses is only one more that can leak."},
		{codeLifetimes, "The times contradict each other."},
		{codeAccepted, "A risk was accepted by name; it is told at every start, so that nobody forgets it."},
		{codeMetrics, "Metrics tell what is called, how often and by how many, and who reads them is not asked who they are."},
		{codeRelaxed, "A layer that reports or is off protects nothing; it is for the days in which a gate is put before an API."},
		{codeNoAPI, "A mode under a name that no API has relaxes nothing, and somebody believes that it does."},
		{codeRefused, "The value has its form, and what is built from it cannot work with it."},
		{codePrivate, "A browser keeps pages of the internet away from routers and servers behind the firewall; this opens the way to this one."},
	}
}

func reasonOf(code string) string {
	for _, c := range Codes() {
		if c[0] == code {
			return c[1]
		}
	}
	return ""
}
