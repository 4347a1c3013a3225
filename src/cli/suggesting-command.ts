import { Command } from 'commander'
import { calledHere } from '#lib/other-names.ts'

/** A command that says what an unknown option is called here when it is another interface's name, such as `--timeout-ms`. */
export class SuggestingCommand extends Command {
  override createCommand(name?: string): SuggestingCommand {
    return new SuggestingCommand(name)
  }

  /** Called by commander, which only looks for misspellings. */
  unknownOption(flag: string): void {
    const options = this.createHelp().visibleOptions(this)
    const byName = new Map(options.map((option) => [option.attributeName(), option.flags]))
    const known = calledHere(camelCase(flag), [...byName.keys()])
    if (known === undefined) return (super['unknownOption' as keyof Command] as (flag: string) => void).call(this, flag)
    this.error(`error: unknown option '${flag}'\n(It is called ${byName.get(known)} here.)`, {
      code: 'commander.unknownOption',
    })
  }
}

/** As commander names the value of an option. */
function camelCase(flag: string): string {
  return flag.replace(/^--/, '').replaceAll(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())
}
