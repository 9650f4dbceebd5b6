-- What Redis gives a script, besides Lua 5.1. tests/support/lua_lint.py runs luacheck with this.
std = "lua51"
read_globals = {"redis", "KEYS", "ARGV", "cjson", "cmsgpack", "bit", "struct"}
max_line_length = 120
