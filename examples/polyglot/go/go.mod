module polyglot/convert

go 1.21

require polyglot/units v0.0.0

replace polyglot/units => ../gen/go
